/**
 * Memory that bodies on their way may take in all. A request waits for its share before its body
 * is read, so that any number of clients cannot fill the memory.
 */
export class Budget {
  #left: number;
  readonly #whole: number;
  readonly #queue: { readonly bytes: number; readonly go: () => void }[] = [];

  /** @param bytes of all shares together */
  constructor(bytes: number) {
    this.#left = bytes;
    this.#whole = bytes;
  }

  /** Waits for a share, first come first served; it is given back by disposing of it. */
  async take(bytes: number): Promise<Disposable> {
    const share = Math.min(bytes, this.#whole);
    if (this.#queue.length > 0 || this.#left < share) {
      await new Promise<void>((resolve) => {
        this.#queue.push({ bytes: share, go: resolve });
      });
    } else {
      this.#left -= share;
    }
    let given = false;
    return {
      [Symbol.dispose]: () => {
        if (given) return;
        given = true;
        this.#left += share;
        this.#serve();
      },
    };
  }

  #serve(): void {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (next.bytes > this.#left) return;
      this.#left -= next.bytes;
      this.#queue.shift();
      next.go();
    }
  }
}

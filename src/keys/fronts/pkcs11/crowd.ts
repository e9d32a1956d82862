/** Milliseconds in which two sides that want long work count as wanting it at once. */
const TOGETHER = 5;

/**
 * Tells whether long work is wanted by more than one session at a time. One client alone is served
 * on this thread: it waits for the result anyway, and waking another thread would only take time.
 * With several, other threads work while this one goes on reading.
 */
export class Crowd {
  readonly #busy: () => boolean;
  #last: object | undefined;
  #at = 0;

  /** @param busy whether other threads of this process work already */
  constructor(busy: () => boolean) {
    this.#busy = busy;
  }

  /** Notes that a session wants long work; whether another one did just now. */
  joins(session: object): boolean {
    const now = performance.now();
    const crowded = this.#last !== undefined && this.#last !== session && now - this.#at < TOGETHER;
    this.#last = session;
    this.#at = now;
    return crowded || this.#busy();
  }
}

const ALLOWED = 20;
const WINDOW = 60_000;
const MAX_ADDRESSES = 10_000;

/** Counts wrong passwords an address, so that guessing is slow. */
export class Failures {
  readonly #byAddress = new Map<string, { count: number; since: number }>();
  readonly #now: () => number;

  /** @param now ms, only differences matter */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  tooMany(address: string): boolean {
    const entry = this.#byAddress.get(address);
    if (entry === undefined) return false;
    if (this.#now() - entry.since < WINDOW) return entry.count >= ALLOWED;
    this.#byAddress.delete(address);
    return false;
  }

  count(address: string): void {
    const now = this.#now();
    const entry = this.#byAddress.get(address);
    if (entry !== undefined && now - entry.since < WINDOW) {
      entry.count++;
      return;
    }
    if (this.#byAddress.size >= MAX_ADDRESSES) {
      // The oldest goes: addresses are cheap to an attacker, memory is not to us.
      const [oldest] = this.#byAddress.keys();
      if (oldest !== undefined) this.#byAddress.delete(oldest);
    }
    this.#byAddress.delete(address);
    this.#byAddress.set(address, { count: 1, since: now });
  }
}

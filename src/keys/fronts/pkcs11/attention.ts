import { yieldProcessor } from '../../../process/direct-socket.ts';

/** A connection whose next call may be close. */
export interface Attended {
  /** Serves what has come meanwhile; whether there was anything. */
  attend(): boolean;
  /** It is no longer looked at: how often it was worth it. */
  unattended(hits: number): void;
}

/** Milliseconds that the next call of a connection is waited for awake. */
export const NEAR = 0.1;
/** Milliseconds after which everything else gets its turn. */
const TURN = 0.25;
/** Connections that are looked at in turn; with more there is enough to do without waiting. */
const MOST = 8;

interface Watch {
  readonly who: Attended;
  /** When there was something last. */
  since: number;
  hits: number;
}

/**
 * Waits for the next call awake where it is likely to come within microseconds. A program that signs
 * in a loop sends its next call while the answer to the last is still warm, and putting a process to
 * sleep and waking it costs more than most calls; so a connection whose calls follow each other
 * closely is looked at again and again, for a tenth of a millisecond after its last call, and other
 * programs get the processor in between. A connection with pauses between its calls is left to the
 * event loop, which gets its turn four times a millisecond in any case.
 */
export class Attention {
  readonly #mayWait: () => boolean;
  readonly #watches: Watch[] = [];
  #armed = false;

  /** @param mayWait `false` while other threads of this process work: they need the processor */
  constructor(mayWait: () => boolean) {
    this.#mayWait = mayWait;
  }

  /** Begins to look at a connection that was just served. */
  watch(who: Attended): void {
    if (this.#watches.length >= MOST || this.#watches.some((watch) => watch.who === who)) return;
    this.#watches.push({ who, since: performance.now(), hits: 0 });
    if (this.#armed) return;
    this.#armed = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    const end = performance.now() + TURN;
    let now = this.#round();
    while (this.#watches.length > 0 && now < end && this.#mayWait()) now = this.#round();
    if (!this.#mayWait()) this.#dropAll();
    this.#armed = this.#watches.length > 0;
    if (this.#armed) setImmediate(this.#turn);
  };

  /** Looks at every connection once. */
  #round(): number {
    let quiet = true;
    let now = performance.now();
    for (let index = this.#watches.length - 1; index >= 0; index--) {
      const watch = this.#watches[index] as Watch;
      if (watch.who.attend()) {
        quiet = false;
        now = performance.now();
        watch.since = now;
        watch.hits++;
      } else if (now - watch.since > NEAR) {
        this.#watches.splice(index, 1);
        watch.who.unattended(watch.hits);
      }
    }
    if (quiet && this.#watches.length > 0) {
      yieldProcessor();
      now = performance.now();
    }
    return now;
  }

  #dropAll(): void {
    for (const { who, hits } of this.#watches.splice(0)) who.unattended(hits);
  }
}

import { moveAside, timesDisplaced, yieldProcessor } from '../../../process/processor.ts';

/** A connection whose next call may be close. */
export interface Attended {
  /** Serves what has come meanwhile; whether there was anything. */
  attend(): boolean;
  /** It is no longer looked at: how often it was worth it, and when there was something last. */
  unattended(hits: number, since: number): void;
}

/** Milliseconds that the next call of a connection is waited for awake. */
export const NEAR = 0.1;
/** Milliseconds after which everything else gets its turn. */
const TURN = 0.25;
/** Connections that are looked at in turn; with more there is enough to do without waiting. */
const MOST = 8;
/** Every so many milliseconds it is seen who else runs on this processor. */
const WINDOW = 5;
/** Others that ran here within one window: more than the now and then of a busy machine. */
const CROWDED = 5;

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
 *
 * Linux wakes a reader where its writer runs, and on some machines leaves it there beside an idle
 * processor: client and key process then take turns on one. Where others run here again and again,
 * this thread therefore moves to another processor that it may use.
 */
export class Attention {
  readonly #mayWait: () => boolean;
  readonly #watches: Watch[] = [];
  #armed = false;
  /** When it was last seen who else runs here, and how often somebody did until then. */
  #seenAt = 0;
  #displaced = 0;

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
    let now = performance.now();
    this.#keepApart(now);
    const end = now + TURN;
    while (this.#watches.length > 0 && now < end && this.#mayWait()) now = this.#round(now);
    if (!this.#mayWait()) this.#dropAll();
    this.#armed = this.#watches.length > 0;
    if (this.#armed) setImmediate(this.#turn);
  };

  /** Looks at every connection once; the time after it. */
  #round(before: number): number {
    let quiet = true;
    let now = before;
    for (let index = this.#watches.length - 1; index >= 0; index--) {
      const watch = this.#watches[index] as Watch;
      if (watch.who.attend()) {
        quiet = false;
        now = performance.now();
        watch.since = now;
        watch.hits++;
      } else if (now - watch.since > NEAR) {
        this.#watches.splice(index, 1);
        watch.who.unattended(watch.hits, watch.since);
      }
    }
    if (!quiet || this.#watches.length === 0) return now;
    yieldProcessor();
    return performance.now();
  }

  /** Moves to another processor when others have run on this one again and again. */
  #keepApart(now: number): void {
    const passed = now - this.#seenAt;
    if (passed < WINDOW) return;
    const displaced = timesDisplaced();
    // What happened while nobody was attended to says nothing.
    const crowded = passed < 2 * WINDOW && displaced - this.#displaced >= CROWDED;
    if (crowded) moveAside();
    this.#seenAt = now;
    this.#displaced = displaced;
  }

  #dropAll(): void {
    for (const { who, hits, since } of this.#watches.splice(0)) who.unattended(hits, since);
  }
}

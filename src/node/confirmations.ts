import type { Caller } from '../keys/index.ts';
import { isFromSupervisor } from './messages.ts';
import type { ToSupervisor } from './messages.ts';

/** How long a question about a key marked `confirm` waits for its answer, in milliseconds. */
export const PATIENCE = 60_000;
/** Questions that may wait at a time; more are refused, so that nobody can drown the terminal. */
const MAX_WAITING = 8;
const MAX_TEXT = 200;

export interface PendingQuestion {
  readonly id: number;
  /** The process that asks, which the question names as `process PID`. */
  readonly pid: number;
  readonly question: string;
}

interface Waiting extends PendingQuestion {
  readonly answer: (allowed: boolean) => void;
}

/** Questions to the person, answered on the terminal of `strongroom up` or by `strongroom confirm`. */
export class Confirmations {
  readonly #tell: (message: ToSupervisor) => void;
  readonly #patience: number;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  /** @param patience milliseconds after which no answer is a no */
  constructor(tell: (message: ToSupervisor) => void, patience: number = PATIENCE) {
    this.#tell = tell;
    this.#patience = patience;
  }

  /** Asks and waits; no answer in time is a no. */
  ask(about: {
    readonly name: string;
    readonly operation: string;
    readonly caller: Caller;
  }): Promise<boolean> {
    if (this.#waiting.size >= MAX_WAITING) return Promise.resolve(false);
    const id = this.#next++;
    const { name, operation, caller } = about;
    const occasion = caller.occasion === undefined ? '' : ` ${printable(caller.occasion)}`;
    const question = `${caller.front} (process ${caller.pid}) wants to ${operation} with \`${printable(name)}\`${occasion}`;
    return new Promise((resolve) => {
      const answer = (allowed: boolean): void => {
        clearTimeout(timer);
        if (!this.#waiting.delete(id)) return;
        this.#tell({ type: 'confirm-over', id });
        resolve(allowed);
      };
      const timer = setTimeout(() => answer(false), this.#patience);
      this.#waiting.set(id, { id, pid: caller.pid, question, answer });
      this.#tell({ type: 'confirm', id, pid: caller.pid, question });
    });
  }

  pending(): PendingQuestion[] {
    return [...this.#waiting.values()].map(({ id, pid, question }) => ({ id, pid, question }));
  }

  /** @returns whether the question was still waiting */
  answer(id: number, allowed: boolean): boolean {
    const waiting = this.#waiting.get(id);
    waiting?.answer(allowed);
    return waiting !== undefined;
  }

  onMessage(message: unknown): void {
    if (isFromSupervisor(message)) this.answer(message.id, message.allowed);
  }
}

/** A text as it may stand on a terminal: no control or direction characters. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?').slice(0, MAX_TEXT);
}

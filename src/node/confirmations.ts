import type { Caller } from '../keys/index.ts';
import { isFromSupervisor } from './messages.ts';
import type { ToSupervisor } from './messages.ts';

/** How long a question about a key marked `confirm` waits for its answer, in milliseconds. */
const PATIENCE = 60_000;
/** Questions that may wait at a time; more are refused, so that nobody can drown the terminal. */
const MAX_WAITING = 8;

export interface PendingQuestion {
  readonly id: number;
  readonly question: string;
}

/** Questions to the person, answered on the terminal of `strongroom up` or by `strongroom confirm`. */
export class Confirmations {
  readonly #tell: (message: ToSupervisor) => void;
  readonly #waiting = new Map<number, { question: string; answer: (allowed: boolean) => void }>();
  #next = 1;

  constructor(tell: (message: ToSupervisor) => void) {
    this.#tell = tell;
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
    const question = `${caller.front} (process ${caller.pid}) wants to ${operation} with \`${printable(name)}\``;
    return new Promise((resolve) => {
      const answer = (allowed: boolean): void => {
        clearTimeout(timer);
        if (!this.#waiting.delete(id)) return;
        this.#tell({ type: 'confirm-over', id });
        resolve(allowed);
      };
      const timer = setTimeout(() => answer(false), PATIENCE);
      this.#waiting.set(id, { question, answer });
      this.#tell({ type: 'confirm', id, question });
    });
  }

  pending(): PendingQuestion[] {
    return [...this.#waiting].map(([id, { question }]) => ({ id, question }));
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

/** A name as it may stand on a terminal: no control characters. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '?').slice(0, 100);
}

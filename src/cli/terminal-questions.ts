import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { isYes } from './prompt.ts';

/** What was typed before a question stood there is no answer to it. */
const TYPED_AHEAD_MILLISECONDS = 150;

/** Where questions are put and answers go. */
export interface QuestionDesk {
  readonly answer: (id: number, allowed: boolean) => void;
  /** For the person, where nobody can be asked here. */
  readonly note: (text: string) => void;
}

/** Puts questions about keys marked `confirm` on the terminal, one after the other. */
export class TerminalQuestions {
  readonly #desk: QuestionDesk;
  readonly #waiting = new Map<number, string>();
  #shown: { readonly id: number; readonly close: () => void } | undefined;

  constructor(desk: QuestionDesk) {
    this.#desk = desk;
  }

  ask(id: number, question: string): void {
    if (!process.stdin.isTTY || !isForeground()) {
      this.#desk.note(`${question}: answer with \`strongroom confirm\``);
      return;
    }
    this.#waiting.set(id, question);
    this.#next();
  }

  /** It was answered elsewhere, or its time is over. */
  over(id: number): void {
    this.#waiting.delete(id);
    if (this.#shown?.id !== id) return;
    this.#shown.close();
    this.#shown = undefined;
    process.stderr.write('\n(answered elsewhere, or too late)\n');
    this.#next();
  }

  /** Takes the question back from the terminal, so that the program can end. */
  close(): void {
    this.#waiting.clear();
    this.#shown?.close();
    this.#shown = undefined;
  }

  #next(): void {
    if (this.#shown !== undefined) return;
    const [first] = this.#waiting;
    if (first === undefined) return;
    const [id, question] = first;
    const asked = Date.now();
    // Not in raw mode: Ctrl-C goes on ending the program.
    const lines = createInterface({ input: process.stdin, terminal: false });
    this.#shown = { id, close: () => lines.close() };
    process.stderr.write(`${question}. Allow it? [y/N] `);
    lines.on('line', (text) => {
      if (Date.now() - asked < TYPED_AHEAD_MILLISECONDS || this.#shown?.id !== id) return;
      this.#waiting.delete(id);
      lines.close();
      this.#shown = undefined;
      this.#desk.answer(id, isYes(text));
      this.#next();
    });
  }
}

/** Whether this program is in the foreground of its terminal: one in the background may not read. */
function isForeground(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    // proc(5): after the name in brackets come state, parent, group, session, terminal, its group.
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    return true;
  }
}

// Questions out of docs/questions, changed where a case asks for it, and their answers.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import {
  advise,
  checkQuestion,
  defaultRulePack,
  shippedCatalogue,
} from '../../../src/decisions/index.ts';
import type { Answer, OptionAnswer } from '../../../src/decisions/index.ts';

const folder = join(import.meta.dirname, '../../../docs/questions');

/** A day on which the shipped facts are still believed, but the one about Great Britain is not. */
export const TODAY = '2026-11-25';

/** A question before it is checked: plain data that a test may change. */
export interface Draft {
  aim: string;
  purpose: string;
  giveUp?: string;
  subject?: string;
  protect: Record<string, unknown>[];
  parties: Record<string, unknown>[];
  devices: Record<string, unknown>[];
  options: Record<string, unknown>[];
  [member: string]: unknown;
}

export function draft(name: string, change: (draft: Draft) => void = () => undefined): Draft {
  const value = parse(readFileSync(join(folder, `${name}.yaml`), 'utf8')) as Draft;
  change(value);
  return value;
}

export function ask(question: Draft, now: string = TODAY): Answer {
  return advise(checkQuestion(question), defaultRulePack(), shippedCatalogue(), now);
}

export function askCase(name: string, change?: (draft: Draft) => void): Answer {
  return ask(draft(name, change));
}

export function option(answer: Answer, id: string): OptionAnswer {
  const found = answer.options.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no option ${id}`);
  return found;
}

/** Each option with its verdict, in the order of rank. */
export function verdicts(answer: Answer): string[] {
  return answer.options.map((each) => `${each.id} ${each.verdict}`);
}

/** The names of the residuals with a verdict. */
export function residuals(answer: OptionAnswer, verdict?: string): string[] {
  return answer.residuals
    .filter((each) => verdict === undefined || each.verdict === verdict)
    .map((each) => each.id);
}

/** The first concern of a question that is judged, for a test to change. */
export function harm(question: Draft, level: number): void {
  for (const concern of question.protect) if ('harm' in concern) concern['harm'] = level;
}

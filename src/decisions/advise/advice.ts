import type { Answer, OptionAnswer, Reason, SplitSuggestion } from '../model/answer.ts';
import { adversaryKind } from '../model/concerns.ts';
import type { Question } from '../model/question.ts';
import { isAllowed, rank } from '../model/verdict.ts';
import type { AdviceId } from '../rules/pack.ts';
import type { Evaluation } from './evaluate.ts';
import { sharedNames } from './residuals.ts';

function advise(rule: AdviceId, blanks: Readonly<Record<string, string>> = {}): Reason {
  return { rule, blanks };
}

/** Remarks on one option by itself. */
export function optionAdvice(evaluation: Evaluation): readonly Reason[] {
  const { option, joined, closed } = evaluation;
  const remarks: Reason[] = [];
  if (joined !== undefined) {
    const components = sharedNames(evaluation).join(', ');
    if (components !== '') remarks.push(advise('advice-shared', { components }));
    for (const adversary of joined.offTheList) {
      remarks.push(advise('advice-off-the-list', { adversary }));
    }
  }
  for (const { channel, country } of closed) {
    if (channel.facts.use.have) {
      remarks.push(advise('advice-existing-only', { option: option.id, country }));
    }
  }
  return remarks;
}

/** What must be there as well before the option is taken. */
export function requirementsOf(question: Question): readonly Reason[] {
  const grave = question.protect.some((concern) => concern.harm === 4);
  return question.purpose === 'keep-key' && grave ? [advise('advice-key-plan')] : [];
}

/** Remarks on the answer as a whole; `options` are in order of rank. */
export function answerAdvice(
  question: Question,
  options: readonly OptionAnswer[],
  split: SplitSuggestion | undefined,
  needsRecord: boolean,
): Answer['advice'] {
  const [first] = options;
  const remarks: Reason[] = [];
  const noneAllowed = options.every((option) => !isAllowed(option.verdict));
  const refusedFor = (info: string, component: string): boolean =>
    options.some((option) =>
      option.pairs.some(
        (pair) => pair.info === info && pair.verdict === 'do-not' && pair.component === component,
      ),
    );
  if (question.purpose === 'send' && noneAllowed) remarks.push(advise('advice-meet'));
  if (question.purpose === 'resolve') {
    if (refusedFor('contacts', 'later-connection')) remarks.push(advise('advice-tor'));
    if (refusedFor('use', 'link')) remarks.push(advise('advice-not-silently'));
  }
  if (question.purpose === 'run') remarks.push(advise('advice-no-homomorphic'));
  if (split !== undefined) {
    const parts = split.parts.map((each) => `${each.part} → ${each.option}`).join(', ');
    remarks.push(advise('advice-split', { parts, verdict: split.verdict }));
  } else if (question.purpose === 'send' && noneAllowed && question.parts.length === 0) {
    remarks.push(advise('advice-divide'));
  }
  if (!needsRecord) {
    remarks.push(advise('advice-no-record'));
  } else if (first !== undefined && isAllowed(first.verdict)) {
    remarks.push(advise('advice-record'));
    if (first.verdict !== 'fine') remarks.push(advise('advice-best-of-these'));
  }
  if (question.purpose === 'store' && needsRecord) remarks.push(advise('advice-irreversible'));
  return remarks;
}

/** Whether an option is better than what is needed, and stands below something that is enough. */
export function notNeeded(
  question: Question,
  options: readonly OptionAnswer[],
): ReadonlySet<string> {
  const [first] = options;
  if (question.purpose !== 'keep-key' || first === undefined) return new Set();
  if (rank(first.verdict) > rank('note')) return new Set();
  return new Set(
    options
      .slice(1)
      .filter((option) => option.cost > first.cost || option.effort > first.effort)
      .map((option) => option.id),
  );
}

/** Whether any pair that is asked about is H2 or more, also after the foreign-reach rule (F5). */
export function recordNeeded(question: Question, options: readonly OptionAnswer[]): boolean {
  return (
    question.protect.some(
      (concern) => (concern.harm ?? 0) >= 2 && adversaryKind(concern.from) !== undefined,
    ) || options.some((option) => option.pairs.some((pair) => pair.harm >= 2))
  );
}

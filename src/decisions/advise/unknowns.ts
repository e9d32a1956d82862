import { factSpec } from '../catalogue/vocabulary.ts';
import type { UnknownThatMatters } from '../model/answer.ts';
import { byCodeUnits, sortedSet } from '../model/order.ts';
import type { FactValue, Question } from '../model/question.ts';
import type { Evaluation } from './evaluate.ts';
import { verdictAlone } from './evaluate.ts';
import type { Sources } from './facts.ts';
import type { Rules } from './rules.ts';

/** The values of facts that only the person can tell, by what their key ends with. */
const PERSONAL: Readonly<Record<string, readonly string[]>> = {
  updated: ['yes', 'no'],
  'apps-updated': ['yes', 'no'],
  'app-a-updated': ['yes', 'no'],
  'app-b-updated': ['yes', 'no'],
  'from-maker': ['yes', 'no'],
  'cloud-backup': ['off', 'sealed', 'on'],
  'backup-a': ['off', 'sealed', 'on'],
  'backup-b': ['off', 'sealed', 'on'],
};

/** A country that nobody in the question has to do with. */
const ELSEWHERE = 'ZZ';

/**
 * The values that an unknown fact is supposed to have, one at a time: all values of a word, every
 * country that the question and the option know of and one that they do not, every name that a
 * refusal knows of and another.
 */
export function valuesOf(
  key: string,
  question: Question,
  evaluation: Evaluation,
): readonly FactValue[] {
  const fact = key.slice(key.indexOf(':') + 1);
  const personal = PERSONAL[fact];
  if (personal !== undefined) return personal;
  const countries = (): readonly string[] => [...countriesOf(question, evaluation), ELSEWHERE];
  if (fact === 'residence') return countries();
  if (fact === 'citizenships') return countries().map((country) => [country]);
  const spec = factSpec(fact);
  switch (spec?.kind) {
    case 'word':
      return spec.values ?? [];
    case 'countries':
      return countries().map((country) => [country]);
    case 'names':
      return [['somebody-else']];
    case 'name':
      return sortedSet([...question.refused.flatMap((each) => each.when[fact] ?? []), 'another']);
    case 'level':
    case 'text':
    case undefined:
      return [];
  }
}

function countriesOf(question: Question, evaluation: Evaluation): readonly string[] {
  const named = question.protect.flatMap((each) => /\((..)\)$/.exec(each.from)?.[1] ?? []);
  const people = question.parties.flatMap((party) => [
    ...(party.citizenships === 'unknown' ? [] : party.citizenships),
    ...(party.residence === 'unknown' ? [] : [party.residence]),
  ]);
  const places = evaluation.channels.flatMap((channel) =>
    channel.components.flatMap((component) => component.countries ?? []),
  );
  return sortedSet([...named, ...people, ...places]);
}

/** How the value of a fact is written in an answer. */
export function written(value: FactValue): string {
  return typeof value === 'object' ? value.join('+') : String(value);
}

/**
 * The unknown facts that would change the verdict of an option, found by supposing each of their
 * values, one at a time (4.2, step 5). `keys` are what was asked for and not known.
 */
export function unknownsThatMatter(
  rules: Rules,
  sources: Sources,
  evaluation: Evaluation,
  keys: ReadonlySet<string>,
): readonly UnknownThatMatters[] {
  const found: UnknownThatMatters[] = [];
  // Nothing is better than `fine`, and knowing more never makes a verdict worse.
  if (evaluation.verdict === 'fine') return found;
  for (const key of [...keys].sort(byCodeUnits)) {
    for (const value of valuesOf(key, sources.question, evaluation)) {
      const supposed = { ...sources, supposed: { key, value } };
      const verdict = verdictAlone(rules, supposed, evaluation.option, evaluation.verdict);
      if (verdict !== evaluation.verdict) {
        found.push({ option: evaluation.option.id, fact: key, value: written(value), verdict });
      }
    }
  }
  return found;
}

import { indexOf } from '../catalogue/catalogue.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { DecisionsError } from '../errors.ts';
import type { Answer, OptionAnswer, Reason } from '../model/answer.ts';
import { hashOf } from '../model/canonical-json.ts';
import { isDay } from '../model/document.ts';
import { byCodeUnits, sortedSet } from '../model/order.ts';
import type { Question } from '../model/question.ts';
import { rank } from '../model/verdict.ts';
import type { Verdict } from '../model/verdict.ts';
import type { RulePack } from '../rules/pack.ts';
import { answerAdvice, notNeeded, optionAdvice, recordNeeded, requirementsOf } from './advice.ts';
import { checkAgainst } from './check.ts';
import { evaluate, verdictAlone } from './evaluate.ts';
import type { Evaluation } from './evaluate.ts';
import { newLedger } from './facts.ts';
import type { Ledger, Sources } from './facts.ts';
import { inOrder } from './order.ts';
import { residualsOf, sharedNames, surfaceOf } from './residuals.ts';
import { rulesFor } from './rules.ts';
import type { Rules } from './rules.ts';
import { suggestSplit } from './suggest.ts';
import { unknownsThatMatter } from './unknowns.ts';

/** Changed whenever the same input may give other bytes: a record names it. */
export const ENGINE = 'strongroom-adviser/1';

const hashes = new WeakMap<object, string>();

/** The hash of a rule pack, catalogue or question; made once for each. */
export function fingerprint(document: RulePack | Catalogue | Question): string {
  const known = hashes.get(document);
  if (known !== undefined) return known;
  const hash = hashOf(document);
  hashes.set(document, hash);
  return hash;
}

/**
 * Answers a question from a rule pack and a catalogue as of a day. A pure function: no clock, no
 * locale, no network, no chance, no fractions; the same input gives the same answer, whose
 * canonical JSON has the same bytes.
 * @param now the day that expiry of facts is judged against, `2026-11-25`
 * @throws {DecisionsError} QUESTION_INVALID when an option names a service that the catalogue does
 * not have or that is not for this purpose, or contradicts a fact that the catalogue knows
 */
export function advise(
  question: Question,
  pack: RulePack,
  catalogue: Catalogue,
  now: string,
): Answer {
  if (!isDay(now)) {
    throw new DecisionsError('QUESTION_INVALID', `\`${now}\` is no day like 2026-11-25`, {
      duty: 'usage',
    });
  }
  const index = indexOf(catalogue);
  checkAgainst(question, index, now);
  const rules = rulesFor(pack);
  const sources: Sources = { question, index, now };
  const judged = question.options.map((option) => {
    const ledger = newLedger();
    return { evaluation: evaluate(rules, sources, ledger, option), ledger };
  });
  const ranked = inOrder(
    pack,
    question.giveUp,
    judged.map(({ evaluation, ledger }) => optionAnswer(rules, question, evaluation, ledger)),
  );
  const spare = notNeeded(question, ranked);
  const options = ranked.map((option) => (spare.has(option.id) ? withoutNeed(option) : option));
  const unknowns = judged.flatMap(({ evaluation, ledger }) =>
    unknownsThatMatter(rules, sources, evaluation, ledger.unknown),
  );
  const split = suggestSplit(rules, sources, options);
  const needsRecord = recordNeeded(question, options);
  return {
    question: fingerprint(question),
    engine: ENGINE,
    rulePack: fingerprint(pack),
    catalogue: fingerprint(catalogue),
    now,
    aim: question.aim,
    purpose: question.purpose,
    giveUp: question.giveUp,
    options,
    unknowns,
    unknownFacts: judged.flatMap(({ evaluation, ledger }) =>
      [...ledger.unknown].sort(byCodeUnits).map((fact) => ({ option: evaluation.option.id, fact })),
    ),
    expired: sortedSet(judged.flatMap(({ ledger }) => [...ledger.expired])),
    ...firstOf(judged.map(({ ledger }) => ledger)),
    ...(split === undefined ? {} : { split }),
    needsRecord,
    advice: answerAdvice(question, options, split, needsRecord),
  };
}

/**
 * The verdict of every option and nothing else: what a what-if needs that asks many times.
 * @throws {DecisionsError} as `advise` does
 */
export function verdictsOf(
  question: Question,
  pack: RulePack,
  catalogue: Catalogue,
  now: string,
): ReadonlyMap<string, Verdict> {
  const index = indexOf(catalogue);
  checkAgainst(question, index, now);
  const rules = rulesFor(pack);
  const sources: Sources = { question, index, now };
  return new Map(
    question.options.map((option) => [
      option.id,
      verdictAlone(rules, sources, option, 'unavailable'),
    ]),
  );
}

function withoutNeed(option: OptionAnswer): OptionAnswer {
  const remark = { rule: 'advice-not-needed', blanks: { option: option.id } };
  return { ...option, advice: [...option.advice, remark] };
}

function firstOf(ledgers: readonly Ledger[]): { readonly factsExpire?: string } {
  const [first] = sortedSet(ledgers.flatMap((ledger) => ledger.expires ?? []));
  return first === undefined ? {} : { factsExpire: first };
}

const COSTS = ['money', 'inconvenience', 'legal', 'political'] as const;

function optionAnswer(
  rules: Rules,
  question: Question,
  evaluation: Evaluation,
  ledger: Ledger,
): OptionAnswer {
  const { option, channels, pairs, floors, verdict } = evaluation;
  const { deficits } = rules.pack;
  const sum = (fact: string): number =>
    channels.reduce((total, { facts }) => total + facts.level(fact), 0);
  const costs = Object.fromEntries(COSTS.map((kind) => [kind, sum(`cost-${kind}`)]));
  const counted = pairs.reduce((total, pair) => total + deficits[pair.verdict], 0);
  const gone = evaluation.closed.some((each) => !each.channel.facts.use.have);
  return {
    id: option.id,
    kind: 'use' in option ? 'use' : 'split',
    services: channels.map(({ facts }) => facts.ref),
    verdict,
    deficit: counted + floors.length * deficits.refuse + (gone ? deficits.unavailable : 0),
    reasons: reasonsFor(rules, evaluation),
    residuals: residualsOf(evaluation),
    pairs,
    surface: surfaceOf(evaluation),
    shared: sharedNames(evaluation),
    exposure: pairs.reduce(
      (total, pair) => total + (pair.part === undefined ? pair.exposure : 0),
      0,
    ),
    // Going several ways is work of its own.
    effort: sum('effort') + channels.length - 1,
    costs,
    cost: Object.values(costs).reduce((total, each) => total + each, 0),
    ...firstOf([ledger]),
    requirements: requirementsOf(question),
    advice: optionAdvice(evaluation),
  };
}

/** What fixed the verdict: being unavailable, floors, and the pairs that are as bad as it. */
function reasonsFor(rules: Rules, evaluation: Evaluation): readonly Reason[] {
  const { option, pairs, floors, closed, verdict } = evaluation;
  const gone = closed
    .filter((each) => !each.channel.facts.use.have)
    .map(({ country }) => ({
      rule: rules.pack.unavailable.id,
      blanks: { option: option.id, country },
    }));
  const worst = Math.max(0, ...pairs.map((pair) => rank(pair.verdict)));
  const fixed =
    rank(verdict) > rank('do-not')
      ? []
      : pairs.filter((pair) => rank(pair.verdict) === worst && worst > 0);
  return [...gone, ...floors, ...fixed.flatMap((pair) => pair.reasons)];
}

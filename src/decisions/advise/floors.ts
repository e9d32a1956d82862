import type { Reason } from '../model/answer.ts';
import type { FactValue } from '../model/question.ts';
import { factSpec } from '../catalogue/vocabulary.ts';
import type { Facts } from './facts.ts';

/** The value of a fact as one word or a list, `undefined` when unknown. */
function valueOf(facts: Facts, fact: string): FactValue | undefined {
  const kind = factSpec(fact)?.kind;
  return kind === 'countries' || kind === 'names' ? facts.list(fact) : facts.word(fact);
}

/** Whether every value of a fact is among the allowed ones; unknown is not. */
function isOneOf(value: FactValue | undefined, allowed: readonly string[]): boolean {
  if (value === undefined || typeof value === 'number') return false;
  return typeof value === 'string'
    ? allowed.includes(value)
    : value.every((each) => allowed.includes(each));
}

/**
 * The floors that an option falls through (4.2, step 7): before all else, and no override. F5 is
 * the gate's: nothing of H2 or above goes anywhere without a record.
 */
export function floorsOf(facts: Facts, option: string): readonly Reason[] {
  const { purpose, obligations, refused } = facts.sources.question;
  const { use } = facts;
  const floors: Reason[] = [];
  const fall = (rule: string, blanks: Readonly<Record<string, string>> = {}): void => {
    floors.push({ rule, blanks: { option, ...blanks } });
  };
  // Where something runs or a key lies is asked for itself; a protocol comes in only when stated.
  const stated = purpose === 'run' || purpose === 'keep-key' ? 'yes' : undefined;
  if (facts.word('reviewed', stated) !== 'yes') fall('f1');
  for (const obligation of obligations) {
    const met = obligation.requires.every(({ fact, oneOf }) =>
      isOneOf(valueOf(facts, fact), oneOf),
    );
    if (!met) fall('f2', { obligation: obligation.text });
  }
  if (use.keyPurposes.length > 1) fall('f3', { purposes: use.keyPurposes.join(', ') });
  for (const { decision, when } of refused) {
    const may = Object.entries(when).every(([fact, refusedValue]) => {
      const value = facts.word(fact);
      return value === undefined || value === refusedValue;
    });
    if (may) fall('f4', { decision });
  }
  if (use.belowFloor) fall('f6');
  return floors;
}

/**
 * The countries where somebody who takes part lives and new users cannot have the service, or nobody
 * knows whether they can.
 */
export function closedIn(facts: Facts): readonly string[] {
  const { question, index } = facts.sources;
  const { service } = facts;
  const owners = [...facts.use.ends.a, ...facts.use.ends.b].map((id) => facts.device(id).owner);
  const parties = question.parties.filter(
    (party) => owners.length === 0 || owners.includes(party.id),
  );
  const closed = new Set<string>();
  const judge = (country: string): void => {
    const fact = `offered:${country}`;
    const said = facts.use.facts[fact] !== undefined;
    const listed = service !== undefined && index.fact(service, fact) !== undefined;
    // What nobody ever said anything about is offered.
    if ((said || listed) && facts.word(fact) !== 'yes') closed.add(country);
  };
  for (const party of parties) {
    const home = facts.residence(party);
    if (home !== undefined) {
      judge(home);
    } else {
      for (const country of mentioned(facts)) judge(country);
    }
  }
  return [...closed].sort();
}

/** The countries for which anything is said about being offered. */
function mentioned(facts: Facts): readonly string[] {
  const own = Object.keys(facts.use.facts);
  const { service, sources } = facts;
  const listed = service === undefined ? [] : sources.index.offered(service);
  const countries = [...own, ...listed].flatMap((fact) => /^offered:(..)$/.exec(fact)?.[1] ?? []);
  return [...new Set(countries)].sort();
}

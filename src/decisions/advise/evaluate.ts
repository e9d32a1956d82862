import { rank } from '../model/verdict.ts';
import type { Verdict } from '../model/verdict.ts';
import type { Option, Part, Question, Use } from '../model/question.ts';
import type { Pair, Reason } from '../model/answer.ts';
import { askedOf } from './asked.ts';
import type { Asked } from './asked.ts';
import { componentsOf } from './components.ts';
import type { Component } from './components.ts';
import { Facts, newLedger } from './facts.ts';
import type { Ledger, Sources } from './facts.ts';
import { closedIn, floorsOf } from './floors.ts';
import { findingsOf, pairOf, worstVerdict } from './judge.ts';
import type { Finding } from './judge.ts';
import { joinParts } from './split.ts';
import type { Joined } from './split.ts';
import type { Rules } from './rules.ts';

/** One use of a service with what it is made of: a whole option, or one part of a split. */
export interface Channel {
  readonly facts: Facts;
  readonly components: readonly Component[];
  /** The part that goes this way; absent when everything does. */
  readonly part?: Part;
}

/** An option judged: what the answer, the unknown facts and the ranking are made from. */
export interface Evaluation {
  readonly option: Option;
  readonly channels: readonly Channel[];
  readonly pairs: readonly Pair[];
  readonly findings: readonly (Finding & { readonly part?: string })[];
  /** Of a split only. */
  readonly joined?: Joined;
  readonly floors: readonly Reason[];
  /** Countries where somebody cannot have it. */
  readonly closed: readonly { readonly channel: Channel; readonly country: string }[];
  readonly verdict: Verdict;
}

/** Judges one option by itself (4.2): nothing of the other options comes in. */
export function evaluate(
  rules: Rules,
  sources: Sources,
  ledger: Ledger,
  option: Option,
): Evaluation {
  const { question } = sources;
  const channel = (use: Use, ref: string, part?: Part): Channel => {
    const facts = new Facts(use, ref, sources, ledger);
    return { facts, components: componentsOf(facts), ...(part === undefined ? {} : { part }) };
  };
  const channels =
    'use' in option
      ? [channel(option.use, option.id)]
      : option.split.map((each) =>
          channel(each.use, `${option.id}.${each.part}`, partOf(question, each.part)),
        );
  const judged = 'use' in option ? whole(rules, channels) : inParts(rules, question, channels);
  const floors = channels.flatMap((each) => floorsOf(each.facts, option.id));
  const closed = channels.flatMap((each) =>
    closedIn(each.facts).map((country) => ({ channel: each, country })),
  );
  let worst: Verdict = 'fine';
  for (const pair of judged.pairs) {
    if (rank(pair.verdict) > rank(worst)) worst = pair.verdict;
  }
  if (floors.length > 0) worst = 'refuse';
  if (closed.some((each) => !each.channel.facts.use.have)) worst = 'unavailable';
  return { option, channels, ...judged, floors, closed, verdict: worst };
}

/**
 * The verdict alone, for the many what-ifs of unknown facts. A fact that becomes known never makes
 * a verdict worse (law 4.2, 10), so reaching `enough`, the verdict with the fact unknown, ends it.
 */
export function verdictAlone(
  rules: Rules,
  sources: Sources,
  option: Option,
  enough: Verdict,
): Verdict {
  if ('split' in option) return evaluate(rules, sources, newLedger(), option).verdict;
  const facts = new Facts(option.use, option.id, sources, newLedger());
  if (!option.use.have && closedIn(facts).length > 0) return 'unavailable';
  if (floorsOf(facts, option.id).length > 0) return 'refuse';
  const components = componentsOf(facts);
  return worstVerdict(rules, facts, components, askedOf(sources.question, components), enough);
}

type Judged = Pick<Evaluation, 'pairs' | 'findings' | 'joined'>;

function whole(rules: Rules, channels: readonly Channel[]): Judged {
  const pairs: Pair[] = [];
  const all: Finding[] = [];
  for (const { facts, components } of channels) {
    const asked = askedOf(facts.sources.question, components);
    const findings = findingsOf(rules, facts, components, asked);
    all.push(...findings);
    for (const pair of asked) pairs.push(pairOf(rules, pair, of(pair, findings)));
  }
  return { pairs, findings: all };
}

/** Every part alone with its own harm, and then the whole put together again (4.2, step 8). */
function inParts(rules: Rules, question: Question, channels: readonly Channel[]): Judged {
  const pairs: Pair[] = [];
  const all: (Finding & { readonly part?: string })[] = [];
  for (const { facts, components, part } of channels) {
    if (part === undefined) continue;
    const asked = askedOf(question, components, part);
    const findings = findingsOf(rules, facts, components, asked);
    for (const finding of findings) all.push({ ...finding, part: part.id });
    for (const pair of asked) pairs.push(pairOf(rules, pair, of(pair, findings), part.id));
  }
  const joined = joinParts(rules, question, channels);
  return { pairs: [...joined.pairs, ...pairs], findings: all, joined };
}

function of(pair: Asked, findings: readonly Finding[]): readonly Finding[] {
  return findings.filter((finding) => finding.asked === pair);
}

function partOf(question: Question, id: string): Part {
  const part = question.parts.find((each) => each.id === id);
  if (part === undefined) throw new RangeError(`no part ${id}`);
  return part;
}

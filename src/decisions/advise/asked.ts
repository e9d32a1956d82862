import { adversaryKind } from '../model/concerns.ts';
import { byCodeUnits, sortedSet } from '../model/order.ts';
import type { Concern, Info, Part, Question } from '../model/question.ts';
import type { Label } from '../model/verdict.ts';
import type { Component } from './components.ts';
import type { Adversary } from './rules.ts';

/** One pair to be judged. */
export interface Asked {
  readonly info: Info;
  readonly adversary: Adversary;
  readonly harm: Label;
}

/** A concern that is judged, with its adversary taken apart. */
interface Judged {
  readonly concern: Concern;
  readonly harm: Label;
  readonly adversary: Adversary;
  /** `legal` or `state` of whatever country is concerned. */
  readonly open: boolean;
}

const prepared = new WeakMap<Question, readonly Judged[]>();

function judgedOf(question: Question): readonly Judged[] {
  const known = prepared.get(question);
  if (known !== undefined) return known;
  const judged: Judged[] = [];
  for (const concern of question.protect) {
    const kind = adversaryKind(concern.from);
    const { harm } = concern;
    if (kind === undefined || harm === undefined) continue;
    const country = /\((.*)\)/.exec(concern.from)?.[1];
    const open = country === undefined && (kind === 'legal' || kind === 'state');
    judged.push({ concern, harm, adversary: { id: concern.from, kind, country }, open });
  }
  prepared.set(question, judged);
  return judged;
}

/**
 * The pairs of a question for these components. `legal` and `state` without a country are asked of
 * every country whose law binds something readable here (R66); of `unknown` too where nobody knows
 * the country, and of `elsewhere` where there is none.
 */
export function askedOf(
  question: Question,
  components: readonly Component[],
  part?: Part,
): readonly Asked[] {
  const pairs = new Map<string, Asked>();
  const countries = new Map<Info, readonly string[]>();
  const add = (info: Info, adversary: Adversary, stated: Label): void => {
    const harm = part !== undefined && info === 'content' ? part.harm : stated;
    const key = `${info} ${adversary.id}`;
    const known = pairs.get(key);
    if (known === undefined || known.harm < harm) pairs.set(key, { info, adversary, harm });
  };
  for (const { concern, harm, adversary, open } of judgedOf(question)) {
    const { info } = concern;
    if (!open) {
      add(info, adversary, harm);
      continue;
    }
    let concerned = countries.get(info);
    if (concerned === undefined) {
      concerned = countriesOf(components, info);
      countries.set(info, concerned);
    }
    for (const country of concerned) {
      const { kind } = adversary;
      add(info, { id: `${kind}(${country})`, kind, country }, harm);
    }
  }
  return [...pairs.values()].sort(
    (one, other) =>
      byCodeUnits(one.info, other.info) || byCodeUnits(one.adversary.id, other.adversary.id),
  );
}

function countriesOf(components: readonly Component[], info: Info): readonly string[] {
  const readable = components.filter((each) => each.readable[info] !== 'no');
  const named = sortedSet(readable.flatMap((each) => each.countries ?? []));
  const unknown = readable.some((each) => each.countries === undefined) ? ['unknown'] : [];
  const all = [...named, ...unknown];
  return all.length === 0 ? ['elsewhere'] : all;
}

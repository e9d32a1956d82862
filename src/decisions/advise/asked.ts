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
  const add = (concern: Concern, country: string | undefined): void => {
    const kind = adversaryKind(concern.from);
    if (kind === undefined || concern.harm === undefined) return;
    const id = country === undefined ? concern.from : `${kind}(${country})`;
    const harm = part !== undefined && concern.info === 'content' ? part.harm : concern.harm;
    const key = `${concern.info} ${id}`;
    const known = pairs.get(key);
    if (known !== undefined && known.harm >= harm) return;
    const named = country ?? /\((.*)\)/.exec(id)?.[1];
    pairs.set(key, { info: concern.info, adversary: { id, kind, country: named }, harm });
  };
  for (const concern of question.protect) {
    if (concern.from === 'legal' || concern.from === 'state') {
      let concerned = countries.get(concern.info);
      if (concerned === undefined) {
        concerned = countriesOf(components, concern.info);
        countries.set(concern.info, concerned);
      }
      for (const country of concerned) add(concern, country);
    } else {
      add(concern, undefined);
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

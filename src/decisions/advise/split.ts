import type { Exposure, Pair, Reason } from '../model/answer.ts';
import { byCodeUnits } from '../model/order.ts';
import type { Question } from '../model/question.ts';
import { rank } from '../model/verdict.ts';
import type { Label, Verdict } from '../model/verdict.ts';
import { askedOf } from './asked.ts';
import type { Asked } from './asked.ts';
import type { Component } from './components.ts';
import type { Channel } from './evaluate.ts';
import { blanksOf, isForeign, raise } from './judge.ts';
import { reachOf, verdictOf } from './rules.ts';
import type { Rules } from './rules.ts';

/** How an adversary may get the whole of something that was sent in parts. */
export interface Way {
  readonly asked: Asked;
  readonly exposure: Exposure;
  readonly harm: Label;
  readonly verdict: Verdict;
  /** The shared component; absent when the parts are got separately and joined. */
  readonly component?: Component;
  readonly reason: Reason;
}

/** What a split leaves for the whole. */
export interface Joined {
  /** One pair for each adversary of the content: the whole, not a part. */
  readonly pairs: readonly Pair[];
  /** Every way that is open at all. */
  readonly ways: readonly Way[];
  /** Share keys of what every part passes through, readable in each. */
  readonly shared: ReadonlySet<string>;
  /** Adversaries who reach some part and cannot reach the whole. */
  readonly offTheList: readonly string[];
}

/** What an adversary has in one channel: how easily at each component, by share key. */
interface Hold {
  readonly byKey: ReadonlyMap<string, { component: Component; exposure: Exposure; rule: string }>;
  readonly greatest: Exposure;
  /** Whether it can be read at an operator that the foreign-reach rule is about. */
  readonly foreign: (key?: string) => boolean;
}

/**
 * The whole over its parts (4.2, step 8). An adversary gets it at a component that all parts share,
 * as easily as at the part that shows least there; or by getting at every part where it is weakest,
 * one step harder when all operators differ. The second way looks at all components, the shared
 * ones too: otherwise a further shared component could make a verdict better.
 */
export function joinParts(rules: Rules, question: Question, channels: readonly Channel[]): Joined {
  const components = channels.flatMap((each) => each.components);
  const asked = askedOf(question, components).filter((each) => each.info === 'content');
  const shared = sharedKeys(channels);
  const lower = operatorsDiffer(channels) ? rules.pack.adjustments.split.lower : 0;
  const pairs: Pair[] = [];
  const ways: Way[] = [];
  const offTheList: string[] = [];
  for (const pair of asked) {
    const holds = channels.map((channel) => holdOf(rules, channel, pair));
    const open = [...atShared(rules, pair, holds, shared), ...byJoining(rules, pair, holds, lower)];
    ways.push(...open);
    pairs.push(wholePair(rules, pair, open));
    if (open.length === 0 && holds.some((hold) => hold.greatest > 0)) {
      offTheList.push(pair.adversary.id);
    }
  }
  return { pairs, ways, shared, offTheList };
}

function sharedKeys(channels: readonly Channel[]): ReadonlySet<string> {
  const readable = channels.map(
    (channel) =>
      new Set(
        channel.components
          .filter((each) => each.readable.content !== 'no')
          .map((each) => each.shareKey),
      ),
  );
  const [first, ...others] = readable;
  return new Set([...(first ?? [])].filter((key) => others.every((keys) => keys.has(key))));
}

/** Whether no two parts have an operator in common; unknown is not different. */
function operatorsDiffer(channels: readonly Channel[]): boolean {
  const seen = new Set<string>();
  let differ = true;
  for (const { facts, components } of channels) {
    const copied = components.some(
      (each) => each.kind === 'copy' && each.readable.content !== 'no',
    );
    const server = facts.list('operator');
    const cloud = copied ? facts.list('cloud-copy-operator') : [];
    if (server === undefined || cloud === undefined) {
      differ = false;
      continue;
    }
    const names = new Set([...server, ...cloud]);
    for (const name of names) {
      if (seen.has(name)) differ = false;
    }
    for (const name of names) seen.add(name);
  }
  return differ;
}

function holdOf(rules: Rules, channel: Channel, pair: Asked): Hold {
  const byKey = new Map<string, { component: Component; exposure: Exposure; rule: string }>();
  let greatest: Exposure = 0;
  for (const component of channel.components) {
    const reach = reachOf(rules, component, component.readable.content, pair.adversary);
    if (reach === undefined) continue;
    const { exposure, row } = reach;
    const known = byKey.get(component.shareKey);
    if (known === undefined || exposure > known.exposure) {
      byKey.set(component.shareKey, { component, exposure, rule: row.id });
    }
    if (exposure > greatest) greatest = exposure;
  }
  const foreign = (key?: string): boolean =>
    channel.components.some(
      (component) =>
        component.readable.content !== 'no' &&
        (key === undefined || component.shareKey === key) &&
        isForeign(rules, channel.facts, component, pair),
    );
  return { byKey, greatest, foreign };
}

function atShared(
  rules: Rules,
  pair: Asked,
  holds: readonly Hold[],
  shared: ReadonlySet<string>,
): readonly Way[] {
  const ways: Way[] = [];
  for (const key of shared) {
    const places = holds.map((hold) => hold.byKey.get(key));
    const least = places.reduce<(typeof places)[number]>(
      (low, each) =>
        low === undefined || each === undefined
          ? undefined
          : each.exposure < low.exposure
            ? each
            : low,
      places[0],
    );
    if (least === undefined) continue;
    const foreign = pair.harm > 0 && holds.every((hold) => hold.foreign(key));
    const harm = foreign ? raise(rules, pair.harm) : pair.harm;
    ways.push({
      asked: pair,
      exposure: least.exposure,
      harm,
      verdict: verdictOf(rules, harm, least.exposure),
      component: least.component,
      reason: { rule: least.rule, blanks: blanksOf(least.component, pair.adversary) },
    });
  }
  return ways.sort((one, other) => byCodeUnits(one.component?.id ?? '', other.component?.id ?? ''));
}

function byJoining(
  rules: Rules,
  pair: Asked,
  holds: readonly Hold[],
  lower: number,
): readonly Way[] {
  const exposure = Math.min(...holds.map((hold) => hold.greatest)) - lower;
  if (exposure <= 0) return [];
  const foreign = pair.harm > 0 && holds.every((hold) => hold.foreign());
  const harm = foreign ? raise(rules, pair.harm) : pair.harm;
  return [
    {
      asked: pair,
      exposure: exposure as Exposure,
      harm,
      verdict: verdictOf(rules, harm, exposure as Exposure),
      reason: {
        rule: rules.pack.adjustments.split.id,
        blanks: { adversary: pair.adversary.id, exposure: `E${exposure}` },
      },
    },
  ];
}

function wholePair(rules: Rules, pair: Asked, ways: readonly Way[]): Pair {
  let worst: Way | undefined;
  for (const way of ways) {
    const more =
      worst === undefined ||
      rank(way.verdict) > rank(worst.verdict) ||
      (way.verdict === worst.verdict && way.exposure > worst.exposure);
    if (more) worst = way;
  }
  const { info, adversary } = pair;
  const cell = rules.cell(worst?.harm ?? pair.harm, worst?.exposure ?? 0);
  return {
    info,
    adversary: adversary.id,
    harm: worst?.harm ?? pair.harm,
    exposure: worst?.exposure ?? 0,
    verdict: cell.verdict,
    ...(worst?.component === undefined ? {} : { component: worst.component.id }),
    reasons: [
      ...(worst === undefined ? [] : [worst.reason]),
      { rule: cell.id, blanks: { adversary: adversary.id, info } },
    ],
  };
}

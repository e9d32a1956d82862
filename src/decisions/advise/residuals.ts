import type { Exposure, Reached, Residual, SurfaceComponent } from '../model/answer.ts';
import { byCodeUnits, sortedSet } from '../model/order.ts';
import { INFOS } from '../model/question.ts';
import { rank } from '../model/verdict.ts';
import type { Component } from './components.ts';
import type { Evaluation } from './evaluate.ts';
import { reachedOf } from './judge.ts';
import type { Way } from './split.ts';

/** The residual of getting every part separately and joining them. */
export const JOINING = 'joining';

function heaviestFirst(one: Reached, other: Reached): number {
  return (
    rank(other.verdict) - rank(one.verdict) ||
    other.harm - one.harm ||
    other.exposure - one.exposure ||
    byCodeUnits(one.adversary, other.adversary) ||
    byCodeUnits(one.info, other.info)
  );
}

function reachedBy(way: Way): Reached {
  const { asked, harm, exposure, verdict, reason } = way;
  return { info: asked.info, adversary: asked.adversary.id, harm, exposure, verdict, reason };
}

/**
 * What stays possible, by name: every component that somebody reaches with a verdict of `note` or
 * worse. One residual a component, heaviest first inside and among each other.
 */
export function residualsOf(evaluation: Evaluation): readonly Residual[] {
  const groups = new Map<string, { component: string; part?: string; against: Reached[] }>();
  const add = (component: string, part: string | undefined, reached: Reached): void => {
    if (reached.verdict === 'fine') return;
    const id = part === undefined ? component : `${part}/${component}`;
    const group = groups.get(id);
    if (group === undefined) {
      groups.set(id, { component, ...(part === undefined ? {} : { part }), against: [reached] });
    } else {
      group.against.push(reached);
    }
  };
  for (const finding of evaluation.findings) {
    add(finding.component.id, finding.part, reachedOf(finding));
  }
  for (const way of evaluation.joined?.ways ?? []) {
    add(way.component?.id ?? JOINING, undefined, reachedBy(way));
  }
  const residuals: Residual[] = [];
  for (const [id, { component, part, against }] of groups) {
    const sorted = against.sort(heaviestFirst);
    const [worst] = sorted;
    if (worst === undefined) continue;
    residuals.push({
      id,
      component,
      ...(part === undefined ? {} : { part }),
      verdict: worst.verdict,
      adversary: worst.adversary,
      harm: worst.harm,
      reason: worst.reason,
      against: sorted,
    });
  }
  return residuals.sort(
    (one, other) => rank(other.verdict) - rank(one.verdict) || byCodeUnits(one.id, other.id),
  );
}

/** The whole attack surface: every component, also those where nothing can be read. */
export function surfaceOf(evaluation: Evaluation): readonly SurfaceComponent[] {
  const keys = evaluation.joined?.shared ?? new Set<string>();
  const surface: SurfaceComponent[] = [];
  const done = new Set<string>();
  const everywhere = evaluation.channels.flatMap((channel) => channel.components);
  for (const { components, part } of evaluation.channels) {
    for (const component of components) {
      const shared = keys.has(component.shareKey);
      if (shared && done.has(component.shareKey)) continue;
      done.add(component.shareKey);
      // What is shared is known as well as it is known in any of the parts.
      const same = shared
        ? everywhere.filter((each) => each.shareKey === component.shareKey)
        : [component];
      const reached = reachedAt(evaluation, component, shared, part?.id);
      const where = shared || part === undefined ? {} : { part: part.id };
      surface.push(surfaceComponent(same, shared, where, reached));
    }
  }
  return surface;
}

function reachedAt(
  evaluation: Evaluation,
  component: Component,
  shared: boolean,
  part: string | undefined,
): readonly Reached[] {
  const ways = (evaluation.joined?.ways ?? []).filter(
    (way) => shared && way.component?.shareKey === component.shareKey,
  );
  const findings = evaluation.findings.filter((finding) =>
    shared
      ? finding.component.shareKey === component.shareKey
      : finding.component === component && finding.part === part,
  );
  return [...ways.map(reachedBy), ...findings.map(reachedOf)].sort(heaviestFirst);
}

function surfaceComponent(
  same: readonly Component[],
  shared: boolean,
  where: { readonly part?: string },
  reached: readonly Reached[],
): SurfaceComponent {
  const [first] = same;
  if (first === undefined) throw new RangeError('no component');
  return {
    id: first.id,
    kind: first.kind,
    ...where,
    ...(first.service === undefined ? {} : { service: first.service }),
    ...(first.device === undefined ? {} : { device: first.device }),
    countries: sortedSet(same.flatMap((each) => each.countries ?? ['unknown'])),
    readable: INFOS.filter((info) => same.some((each) => each.readable[info] !== 'no')),
    shared,
    exposure: Math.max(0, ...reached.map((each) => each.exposure)) as Exposure,
    reached,
  };
}

/** Ids of what every part of a split passes through, each once. */
export function sharedNames(evaluation: Evaluation): readonly string[] {
  const shared = evaluation.joined?.shared;
  if (shared === undefined) return [];
  return sortedSet(
    evaluation.channels.flatMap(({ components }) =>
      components.filter((each) => shared.has(each.shareKey)).map((each) => each.id),
    ),
  );
}

import type { Exposure, Pair, Reached, Reason } from '../model/answer.ts';
import { byCodeUnits } from '../model/order.ts';
import { rank } from '../model/verdict.ts';
import type { Label, Verdict } from '../model/verdict.ts';
import type { Asked } from './asked.ts';
import type { Component } from './components.ts';
import type { Facts } from './facts.ts';
import { mayBeIn, reachOf, verdictOf } from './rules.ts';
import type { Adversary, Reach, Rules } from './rules.ts';

/** One component that one adversary reaches, with what it means. */
export interface Finding {
  readonly component: Component;
  readonly asked: Asked;
  readonly reach: Reach;
  /** After the foreign-reach rule. */
  readonly harm: Label;
  readonly raised: boolean;
  readonly verdict: Verdict;
}

/** The harm one step higher where the foreign-reach rule says so (4.2, step 4). */
export function raise(rules: Rules, harm: Label): Label {
  const { foreignReach } = rules.pack.adjustments;
  if (harm < foreignReach.from || harm > foreignReach.to) return harm;
  return Math.min(4, harm + foreignReach.raise) as Label;
}

/** Whether the foreign-reach rule applies: an operator in the country, and somebody no citizen of it. */
export function isForeign(rules: Rules, facts: Facts, component: Component, asked: Asked): boolean {
  const { kind, country } = asked.adversary;
  if (!component.operated || (kind !== 'legal' && kind !== 'state')) return false;
  if (!rules.pack.adjustments.foreignReach.infos.includes(asked.info)) return false;
  if (!mayBeIn(component, asked.adversary)) return false;
  return (
    country === undefined ||
    !facts.sources.question.parties.every((party) => facts.isCitizen(party, country))
  );
}

/** Everything that anybody asked about reaches, in the order of pairs and then of components. */
export function findingsOf(
  rules: Rules,
  facts: Facts,
  components: readonly Component[],
  asked: readonly Asked[],
): readonly Finding[] {
  const findings: Finding[] = [];
  for (const pair of asked) {
    for (const component of components) {
      const reach = reachOf(rules, component, component.readable[pair.info], pair.adversary);
      if (reach === undefined) continue;
      const raised = pair.harm > 0 && isForeign(rules, facts, component, pair);
      const harm = raised ? raise(rules, pair.harm) : pair.harm;
      const verdict = verdictOf(rules, harm, reach.exposure);
      findings.push({ component, asked: pair, reach, harm, raised, verdict });
    }
  }
  return findings;
}

/** The worst verdict over all pairs, without keeping what was found; stops at `enough`. */
export function worstVerdict(
  rules: Rules,
  facts: Facts,
  components: readonly Component[],
  asked: readonly Asked[],
  enough: Verdict,
): Verdict {
  let worst: Verdict = 'fine';
  for (const pair of asked) {
    for (const component of components) {
      const reach = reachOf(rules, component, component.readable[pair.info], pair.adversary);
      if (reach === undefined) continue;
      let verdict = verdictOf(rules, pair.harm, reach.exposure);
      if (pair.harm > 0 && isForeign(rules, facts, component, pair)) {
        verdict = verdictOf(rules, raise(rules, pair.harm), reach.exposure);
      }
      if (rank(verdict) <= rank(worst)) continue;
      worst = verdict;
      if (rank(worst) >= rank(enough)) return worst;
    }
  }
  return worst;
}

/** The worst first: by verdict, harm and exposure; then the component whose id sorts first. */
function byWeight(one: Finding, other: Finding): number {
  return (
    rank(other.verdict) - rank(one.verdict) ||
    other.harm - one.harm ||
    other.reach.exposure - one.reach.exposure ||
    byCodeUnits(one.component.id, other.component.id)
  );
}

/** The worst of some findings on one pair. */
export function worstOf(findings: readonly Finding[]): Finding | undefined {
  let worst: Finding | undefined;
  for (const finding of findings) {
    if (worst === undefined || byWeight(finding, worst) < 0) worst = finding;
  }
  return worst;
}

/** The blanks that the row's sentence may use. */
export function blanksOf(component: Component, adversary: Adversary): Reason['blanks'] {
  return {
    component: component.id,
    adversary: adversary.id,
    ...(component.service === undefined ? {} : { operator: component.service }),
    ...(adversary.country === undefined ? {} : { country: adversary.country }),
  };
}

/** What was found, for the answer. */
export function reachedOf(finding: Finding): Reached {
  const { asked, component, harm, reach, verdict } = finding;
  return {
    info: asked.info,
    adversary: asked.adversary.id,
    harm,
    exposure: reach.exposure,
    verdict,
    reason: { rule: reach.row.id, blanks: blanksOf(component, asked.adversary) },
  };
}

/** Why a pair has its verdict: the row, what changed its levels, and the cell of the table. */
export function reasonsOf(rules: Rules, finding: Finding): readonly Reason[] {
  const { asked, component, harm, raised, reach } = finding;
  const { foreignReach, transient } = rules.pack.adjustments;
  const blanks = blanksOf(component, asked.adversary);
  return [
    { rule: reach.row.id, blanks },
    ...(raised ? [{ rule: foreignReach.id, blanks }] : []),
    ...(reach.lowered ? [{ rule: transient.id, blanks }] : []),
    {
      rule: rules.cell(harm, reach.exposure).id,
      blanks: { adversary: asked.adversary.id, info: asked.info },
    },
  ];
}

/** The verdict on one pair: the worst over the components (4.2, step 6). */
export function pairOf(
  rules: Rules,
  asked: Asked,
  findings: readonly Finding[],
  part?: string,
): Pair {
  const worst = worstOf(findings);
  const where = part === undefined ? {} : { part };
  const { info, adversary } = asked;
  if (worst === undefined) {
    const exposure: Exposure = 0;
    const cell = rules.cell(asked.harm, exposure);
    return {
      info,
      adversary: adversary.id,
      ...where,
      harm: asked.harm,
      exposure,
      verdict: cell.verdict,
      reasons: [{ rule: cell.id, blanks: { adversary: adversary.id, info } }],
    };
  }
  return {
    info,
    adversary: adversary.id,
    ...where,
    harm: worst.harm,
    exposure: worst.reach.exposure,
    verdict: worst.verdict,
    component: worst.component.id,
    reasons: reasonsOf(rules, worst),
  };
}

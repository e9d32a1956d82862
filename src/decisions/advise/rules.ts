import type { Exposure } from '../model/answer.ts';
import type { AdversaryKind } from '../model/question.ts';
import type { Label, Verdict } from '../model/verdict.ts';
import type { Condition, ReachRow, Rule, RulePack, VerdictRow } from '../rules/pack.ts';
import type { Component, Readable } from './components.ts';

/** An adversary with the country it is asked of. `unknown` is the country that nobody knows. */
export interface Adversary {
  /** `legal(US)`. */
  readonly id: string;
  readonly kind: AdversaryKind;
  readonly country: string | undefined;
}

/** A rule pack made ready: rows by component and adversary, the verdict table by harm and exposure. */
export interface Rules {
  readonly pack: RulePack;
  rows(component: Component, adversary: Adversary): readonly ReachRow[];
  cell(harm: Label, exposure: Exposure): VerdictRow;
  floor(id: string): Rule;
}

const compiled = new WeakMap<RulePack, Rules>();

/** The rules of a pack; made at the first call. */
export function rulesFor(pack: RulePack): Rules {
  const known = compiled.get(pack);
  if (known !== undefined) return known;
  const rows = new Map<string, ReachRow[]>();
  for (const row of pack.reach) {
    for (const component of row.component) {
      for (const kind of row.against) {
        const key = `${component} ${kind}`;
        const list = rows.get(key);
        if (list === undefined) rows.set(key, [row]);
        else list.push(row);
      }
    }
  }
  const cells = new Map(pack.verdicts.map((row) => [row.harm * 4 + row.exposure, row]));
  const floors = new Map(pack.floors.map((rule) => [rule.id, rule]));
  const rules: Rules = {
    pack,
    rows: (component, adversary) => rows.get(`${component.kind} ${adversary.kind}`) ?? [],
    cell: (harm, exposure) => present(cells.get(harm * 4 + exposure)),
    floor: (id) => present(floors.get(id)),
  };
  compiled.set(pack, rules);
  return rules;
}

/** The loader of packs made certain that it is there. */
function present<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new RangeError('the rule pack was not checked');
  return value;
}

/** Whether a component may be under the law of the adversary's country, and whether it may not. */
function placed(
  component: Component,
  country: string | undefined,
): { readonly here: boolean; readonly elsewhere: boolean } {
  const { countries } = component;
  if (countries === undefined) return { here: true, elsewhere: true };
  const here = country !== undefined && countries.includes(country);
  return { here, elsewhere: !here || component.unsure === true };
}

/** Whether a row may hold: what is unknown may have any value. */
function mayHold(row: ReachRow, component: Component, adversary: Adversary): boolean {
  for (const [name, wanted] of Object.entries(row.when)) {
    if (name === 'in') {
      const place = placed(component, adversary.country);
      if (wanted === 'here' ? !place.here : !place.elsewhere) return false;
    } else {
      const value = component.attributes[name as Condition];
      if (value !== undefined && value !== wanted) return false;
    }
  }
  return true;
}

/** How easily an adversary reaches a component, and by which row (4.2, step 3). */
export interface Reach {
  readonly exposure: Exposure;
  readonly row: ReachRow;
  /** Whether it was counted lower because no copy stays. */
  readonly lowered: boolean;
}

/** The worst row that may hold; `undefined` when nobody gets there. */
export function reachOf(
  rules: Rules,
  component: Component,
  readable: Readable,
  adversary: Adversary,
): Reach | undefined {
  if (readable === 'no') return undefined;
  let worst: ReachRow | undefined;
  for (const row of rules.rows(component, adversary)) {
    if ((worst === undefined || row.reach > worst.reach) && mayHold(row, component, adversary)) {
      worst = row;
    }
  }
  if (worst === undefined || worst.reach === 0) return undefined;
  const { transient } = rules.pack.adjustments;
  const lowered = readable === 'transient' && transient.against.includes(adversary.kind);
  const exposure = lowered ? Math.max(0, worst.reach - transient.lower) : worst.reach;
  return exposure === 0 ? undefined : { exposure: exposure as Exposure, row: worst, lowered };
}

/** Whether the component's operator may be under the law of the adversary's country. */
export function mayBeIn(component: Component, adversary: Adversary): boolean {
  return placed(component, adversary.country).here;
}

/** The verdict of the table for one harm and exposure. */
export function verdictOf(rules: Rules, harm: Label, exposure: Exposure): Verdict {
  return rules.cell(harm, exposure).verdict;
}

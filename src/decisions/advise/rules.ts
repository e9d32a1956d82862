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

/** A row with its conditions taken apart. */
interface Compiled {
  readonly row: ReachRow;
  readonly place: string | undefined;
  readonly others: readonly (readonly [name: Condition, wanted: string])[];
}

/** A rule pack made ready: rows by component and adversary, the verdict table by harm and exposure. */
export interface Rules {
  readonly pack: RulePack;
  /** The rows that may concern a pair, the greatest reach first. */
  rows(component: Component, adversary: Adversary): readonly Compiled[];
  cell(harm: Label, exposure: Exposure): VerdictRow;
  floor(id: string): Rule;
}

const compiled = new WeakMap<RulePack, Rules>();

/** The rules of a pack; made at the first call. */
export function rulesFor(pack: RulePack): Rules {
  const known = compiled.get(pack);
  if (known !== undefined) return known;
  const rows = new Map<string, Map<string, Compiled[]>>();
  // Greatest reach first, else in the order of the pack: the first row that may hold is the worst.
  const sorted = [...pack.reach].sort((one, other) => other.reach - one.reach);
  for (const row of sorted) {
    const { in: place, ...others } = row.when;
    const entry: Compiled = {
      row,
      place,
      others: Object.entries(others) as [Condition, string][],
    };
    for (const component of row.component) {
      const byAdversary = rows.get(component) ?? new Map<string, Compiled[]>();
      rows.set(component, byAdversary);
      for (const kind of row.against) {
        const list = byAdversary.get(kind);
        if (list === undefined) byAdversary.set(kind, [entry]);
        else list.push(entry);
      }
    }
  }
  const cells = new Map(pack.verdicts.map((row) => [row.harm * 4 + row.exposure, row]));
  const floors = new Map(pack.floors.map((rule) => [rule.id, rule]));
  const none: readonly Compiled[] = [];
  const rules: Rules = {
    pack,
    rows: (component, adversary) => rows.get(component.kind)?.get(adversary.kind) ?? none,
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
function mayHold({ place, others }: Compiled, component: Component, adversary: Adversary): boolean {
  for (const [name, wanted] of others) {
    const value = component.attributes[name];
    if (value !== undefined && value !== wanted) return false;
  }
  if (place === undefined) return true;
  const { here, elsewhere } = placed(component, adversary.country);
  return place === 'here' ? here : elsewhere;
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
  const worst = rules
    .rows(component, adversary)
    .find((each) => mayHold(each, component, adversary))?.row;
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

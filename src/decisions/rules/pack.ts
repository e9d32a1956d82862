import type { AdversaryKind, GiveUp, Info } from '../model/question.ts';
import type { Exposure } from '../model/answer.ts';
import type { Text } from '../model/text.ts';
import type { Label, Verdict } from '../model/verdict.ts';

/** What an attack surface is made of. */
export const COMPONENT_KINDS = [
  'app',
  'device',
  'link',
  'server',
  'copy',
  'store',
  'key-holder',
  'recovery',
  'resolver',
  'later-connection',
  'host-software',
  'cpu',
  'firmware',
  'runtime',
  'workload',
  'key',
] as const;
export type ComponentKind = (typeof COMPONENT_KINDS)[number];

/**
 * What a row may ask of a component, and the values it may ask for. `in` is asked relative to the
 * country of `legal` and `state`: is the operator, maker or owner under its law?
 */
export const CONDITIONS: Readonly<Record<Condition, readonly string[]>> = {
  in: ['here', 'elsewhere'],
  'held-by': ['operator', 'own'],
  source: ['open', 'closed'],
  reproducible: ['yes', 'no'],
  updated: ['yes', 'no'],
  'from-maker': ['yes', 'no'],
  tee: ['yes', 'no'],
  hole: ['yes', 'no'],
  place: ['software', 'tee', 'hsm'],
  'tamper-protected': ['yes', 'no'],
  hosted: ['yes', 'no'],
};
export type Condition =
  | 'in'
  | 'held-by'
  | 'source'
  | 'reproducible'
  | 'updated'
  | 'from-maker'
  | 'tee'
  | 'hole'
  | 'place'
  | 'tamper-protected'
  | 'hosted';

/** Every row of a pack has an id, a sentence that is said, and a reason why it holds. */
export interface Rule {
  readonly id: string;
  readonly sentence: Text;
  readonly reason: Text;
}

/**
 * One row of the reach table: these adversaries reach these components this easily, when the
 * component is like that. No row at all means no reach.
 */
export interface ReachRow extends Rule {
  readonly component: readonly ComponentKind[];
  readonly against: readonly AdversaryKind[];
  readonly when: Readonly<Partial<Record<Condition, string>>>;
  readonly reach: Exposure;
}

/** One cell of the verdict table. */
export interface VerdictRow extends Rule {
  readonly harm: Label;
  readonly exposure: Exposure;
  readonly verdict: Verdict;
}

export const FLOOR_IDS = ['f1', 'f2', 'f3', 'f4', 'f5', 'f6'] as const;
export type FloorId = (typeof FLOOR_IDS)[number];

export const ADVICE_IDS = [
  'advice-meet',
  'advice-tor',
  'advice-not-silently',
  'advice-not-needed',
  'advice-key-plan',
  'advice-split',
  'advice-divide',
  'advice-shared',
  'advice-off-the-list',
  'advice-no-record',
  'advice-record',
  'advice-best-of-these',
  'advice-no-homomorphic',
  'advice-existing-only',
  'advice-irreversible',
] as const;
export type AdviceId = (typeof ADVICE_IDS)[number];

/** What options may be sorted by; the id always comes last. */
export const ORDER_KEYS = ['allowed', 'deficit', 'ease', 'exposure', 'shared', 'cost'] as const;
export type OrderKey = (typeof ORDER_KEYS)[number];

/**
 * The opinions of the adviser as data: how easily who reaches what, and what follows. Versioned,
 * replaceable, hashed into every answer.
 */
export interface RulePack {
  readonly format: 1;
  readonly name: string;
  readonly version: string;
  readonly title: Text;
  /** Names of H0–H4 and of the exposures 0–3. */
  readonly levels: { readonly harm: readonly Text[]; readonly exposure: readonly Text[] };
  readonly reach: readonly ReachRow[];
  readonly verdicts: readonly VerdictRow[];
  readonly adjustments: {
    /** Content readable at an operator in J and somebody is not a citizen of J: harm + `raise`. */
    readonly foreignReach: Rule & {
      readonly raise: number;
      readonly from: Label;
      readonly to: Label;
      readonly infos: readonly Info[];
    };
    /** What leaves no copy is `lower` lower for these adversaries. */
    readonly transient: Rule & {
      readonly lower: number;
      readonly against: readonly AdversaryKind[];
    };
    /** Joining parts that went through different operators is `lower` harder. */
    readonly split: Rule & { readonly lower: number };
  };
  readonly floors: readonly Rule[];
  readonly unavailable: Rule;
  readonly advice: readonly Rule[];
  readonly deficits: Readonly<Record<Verdict, number>>;
  readonly orders: Readonly<Record<GiveUp, readonly OrderKey[]>>;
}

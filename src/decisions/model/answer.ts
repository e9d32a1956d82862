import type { GiveUp, Info, Purpose } from './question.ts';
import type { Label, Verdict } from './verdict.ts';

/** How easily an adversary reaches a component: 0 not, 1 hard, 2 possible, 3 easy. */
export type Exposure = 0 | 1 | 2 | 3;

/** A sentence of the rule pack with what stands for its blanks, so that it can be said in any language. */
export interface Reason {
  /** Id of the row in the rule pack. */
  readonly rule: string;
  /** Ids, not words: the renderer names them in the language of the reader. */
  readonly blanks: Readonly<Record<string, string>>;
}

/** One adversary who reaches one component. */
export interface Reached {
  readonly info: Info;
  /** `legal(US)`, `criminal`. */
  readonly adversary: string;
  /** After the foreign-reach rule. */
  readonly harm: Label;
  readonly exposure: Exposure;
  readonly verdict: Verdict;
  /** The row that gave the exposure. */
  readonly reason: Reason;
}

/**
 * Something that stays possible. With verdict `note` it is written down; with `accept` or
 * `accept-by-two` it must be accepted by its name. One component is one residual, whoever reaches it.
 */
export interface Residual {
  /** Stable within the option: `phone-a`, and `password/server` in a part of a split. */
  readonly id: string;
  readonly component: string;
  /** The part of a split it belongs to; absent for the whole. */
  readonly part?: string;
  /** The worst of `against`. */
  readonly verdict: Verdict;
  readonly adversary: string;
  readonly harm: Label;
  readonly reason: Reason;
  readonly against: readonly Reached[];
}

/** The verdict on one pair of information and adversary: the worst over the components. */
export interface Pair {
  readonly info: Info;
  readonly adversary: string;
  readonly part?: string;
  readonly harm: Label;
  readonly exposure: Exposure;
  readonly verdict: Verdict;
  /** Where it is worst; absent when nobody reaches anything. */
  readonly component?: string;
  readonly reasons: readonly Reason[];
}

/** One component of an option's attack surface, for the picture and the list of what is trusted. */
export interface SurfaceComponent {
  readonly id: string;
  readonly kind: string;
  readonly part?: string;
  /** Id of the service it belongs to, where it belongs to one. */
  readonly service?: string;
  /** The device it is, or runs on. */
  readonly device?: string;
  /** Countries whose law binds it; `unknown` is a member of its own. */
  readonly countries: readonly string[];
  /** What can be read there. */
  readonly readable: readonly Info[];
  /** Whether every part of a split passes through it. */
  readonly shared: boolean;
  /** The worst exposure to any adversary asked about. */
  readonly exposure: Exposure;
  readonly reached: readonly Reached[];
}

/** What the adviser says of one option. */
export interface OptionAnswer {
  readonly id: string;
  readonly kind: 'use' | 'split';
  /** Ids in the catalogue of the services used, one a part. */
  readonly services: readonly string[];
  readonly verdict: Verdict;
  readonly deficit: number;
  /** What fixed the verdict: floors first, then the pairs that are as bad as the verdict. */
  readonly reasons: readonly Reason[];
  readonly residuals: readonly Residual[];
  readonly pairs: readonly Pair[];
  readonly surface: readonly SurfaceComponent[];
  /** Ids of the components that every part of a split passes through. */
  readonly shared: readonly string[];
  /** Sum of the exposures of all pairs. */
  readonly exposure: number;
  /** 0 no effort … 3 a lot. */
  readonly effort: number;
  /** By kind (R105), each 0 … 3. */
  readonly costs: Readonly<Record<string, number>>;
  readonly cost: number;
  /** The day the first catalogue fact used for this option expires: review a record by then. */
  readonly factsExpire?: string;
  /** What must be there as well, for example a key plan. */
  readonly requirements: readonly Reason[];
  /** Remarks on this option. */
  readonly advice: readonly Reason[];
}

/** A fact nobody knows whose worst value was taken, and what the verdict would be if it were `value`. */
export interface UnknownThatMatters {
  readonly option: string;
  readonly fact: string;
  readonly value: string;
  readonly verdict: Verdict;
}

/** Dividing the parts over these options is better than the best single one. */
export interface SplitSuggestion {
  readonly parts: readonly { readonly part: string; readonly option: string }[];
  readonly verdict: Verdict;
  readonly deficit: number;
  readonly shared: readonly string[];
}

/** The answer to one question: options in the order of rank. A pure function of its three hashes and `now`. */
export interface Answer {
  /** SHA-256 of the canonical question, lower-case hexadecimal; so are the other two. */
  readonly question: string;
  readonly engine: string;
  readonly rulePack: string;
  readonly catalogue: string;
  /** `2026-11-25`: a day, for the expiry of facts. */
  readonly now: string;
  readonly aim: string;
  readonly purpose: Purpose;
  readonly giveUp: GiveUp;
  readonly options: readonly OptionAnswer[];
  /** Unknown facts that would change a verdict. */
  readonly unknowns: readonly UnknownThatMatters[];
  /** Every unknown fact of every option, whether it matters or not. */
  readonly unknownFacts: readonly { readonly option: string; readonly fact: string }[];
  /** Facts of the catalogue that were used and are past their expiry. */
  readonly expired: readonly string[];
  /** The day the first fact used here expires: a record must be reviewed by then. */
  readonly factsExpire?: string;
  readonly split?: SplitSuggestion;
  /** Whether a record is needed before anything is done: some harm is H2 or more (F5). */
  readonly needsRecord: boolean;
  readonly advice: readonly Reason[];
}

import type { Label, Verdict } from './verdict.ts';

/** A sentence of the rule pack with what stands for its blanks, so that it can be said in any language. */
export interface Reason {
  /** Id of the row in the rule pack. */
  readonly rule: string;
  readonly blanks: Readonly<Record<string, string>>;
}

/** Something that stays possible and must be accepted by its name. */
export interface Residual {
  /** Stable within the answer, `phone-a/legal-us`. */
  readonly id: string;
  readonly component: string;
  readonly adversary: string;
  readonly harm: Label;
  readonly reason: Reason;
}

/** What the adviser says of one option. */
export interface OptionAnswer {
  readonly id: string;
  readonly verdict: Verdict;
  readonly deficit: number;
  readonly reasons: readonly Reason[];
  readonly residuals: readonly Residual[];
}

/** The answer to one question: options in the order of rank. A pure function of its three hashes and `now`. */
export interface Answer {
  readonly question: string;
  readonly engine: string;
  readonly rulePack: string;
  readonly catalogue: string;
  readonly now: string;
  readonly options: readonly OptionAnswer[];
  /** Unknown facts that would change a verdict. */
  readonly unknowns: readonly {
    readonly option: string;
    readonly fact: string;
    readonly value: string;
    readonly verdict: Verdict;
  }[];
}

import type { Label } from '../gate.ts';

export type { Label };

/**
 * What the adviser says of an option. `note`: allowed and written down; `accept`: allowed when the
 * person accepts the named residuals; `accept-by-two`: when two people do; `do-not`: refused, an
 * override needs a reason and ends; `refuse`: a floor, no override; `unavailable`: this person
 * cannot have it.
 */
export type Verdict =
  | 'fine'
  | 'note'
  | 'accept'
  | 'accept-by-two'
  | 'do-not'
  | 'refuse'
  | 'unavailable';

export const VERDICTS: readonly Verdict[] = [
  'fine',
  'note',
  'accept',
  'accept-by-two',
  'do-not',
  'refuse',
  'unavailable',
];

/** How bad a verdict is: its place in `VERDICTS`. */
export function rank(verdict: Verdict): number {
  return VERDICTS.indexOf(verdict);
}

/** The worse of two verdicts. */
export function worse(one: Verdict, other: Verdict): Verdict {
  return rank(other) > rank(one) ? other : one;
}

/** Whether the option may be taken at all, with or without acceptance. */
export function isAllowed(verdict: Verdict): boolean {
  return rank(verdict) <= rank('accept-by-two');
}

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

import { StrongroomError } from '../errors.ts';
import type { Duty } from '../errors.ts';

/** An error of the decisions part; the codes are in docs/errors.md. */
export class DecisionsError extends StrongroomError {
  constructor(
    code: string,
    message: string,
    options: { readonly duty?: Duty; readonly mend?: string; readonly cause?: unknown } = {},
  ) {
    super(code, message, options);
  }
}

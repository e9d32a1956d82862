import { KeysError } from '../../errors.ts';
import type { KeysErrorCode } from '../../errors.ts';

/** The parameter of a mechanism does not fit it. */
export function parameterError(what: string): KeysError {
  return new KeysError('MECHANISM_PARAM_INVALID', `the mechanism's parameter has a wrong ${what}`);
}

/**
 * Runs `work`; whatever OpenSSL throws becomes one error with this code. Its own text may quote
 * lengths of secrets: only the kind of failure goes on.
 */
export function failing<Result>(code: KeysErrorCode, message: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof KeysError) throw error;
    throw new KeysError(code, message);
  }
}

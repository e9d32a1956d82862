import { StrongroomError } from '../errors.ts';
import type { Duty } from '../errors.ts';

/** The codes of the engine: PKCS#11 return values without their CKR_. */
export const KEYS_ERROR_CODES = [
  'ACTION_PROHIBITED',
  'ARGUMENTS_BAD',
  'ATTRIBUTE_READ_ONLY',
  'ATTRIBUTE_TYPE_INVALID',
  'ATTRIBUTE_VALUE_INVALID',
  'DATA_INVALID',
  'DATA_LEN_RANGE',
  'DEVICE_ERROR',
  'DEVICE_MEMORY',
  'ENCRYPTED_DATA_INVALID',
  'ENCRYPTED_DATA_LEN_RANGE',
  'FUNCTION_REJECTED',
  'KEY_FUNCTION_NOT_PERMITTED',
  'KEY_HANDLE_INVALID',
  'KEY_NOT_WRAPPABLE',
  'KEY_SIZE_RANGE',
  'KEY_TYPE_INCONSISTENT',
  'KEY_UNEXTRACTABLE',
  'MECHANISM_INVALID',
  'MECHANISM_PARAM_INVALID',
  'OBJECT_HANDLE_INVALID',
  'OPERATION_NOT_INITIALIZED',
  'PIN_INCORRECT',
  'PIN_LEN_RANGE',
  'PIN_LOCKED',
  'SIGNATURE_INVALID',
  'SIGNATURE_LEN_RANGE',
  'TEMPLATE_INCOMPLETE',
  'TEMPLATE_INCONSISTENT',
  'TOKEN_NOT_PRESENT',
  'USER_NOT_LOGGED_IN',
  'USER_PIN_NOT_INITIALIZED',
  'WRAPPED_KEY_INVALID',
] as const;

export type KeysErrorCode = (typeof KEYS_ERROR_CODES)[number];

const CODES: ReadonlySet<string> = new Set(KEYS_ERROR_CODES);

export function isKeysErrorCode(code: string): code is KeysErrorCode {
  return CODES.has(code);
}

/** An error of the key engine; `code` is the PKCS#11 return value that a front answers with. */
export class KeysError extends StrongroomError {
  constructor(
    code: KeysErrorCode,
    message: string,
    options: { readonly duty?: Duty; readonly mend?: string; readonly cause?: unknown } = {},
  ) {
    super(code, message, options);
  }
}

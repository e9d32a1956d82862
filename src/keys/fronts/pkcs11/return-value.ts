import type { KeysErrorCode } from '../../errors.ts';
import { isKeysErrorCode } from '../../errors.ts';
import { StrongroomError } from '../../../errors.ts';

/** CK_RV of PKCS#11 v3.1, as far as this front answers with them. */
export const CKR = {
  OK: 0x00,
  SLOT_ID_INVALID: 0x03,
  GENERAL_ERROR: 0x05,
  ARGUMENTS_BAD: 0x07,
  NO_EVENT: 0x08,
  ATTRIBUTE_READ_ONLY: 0x10,
  ATTRIBUTE_SENSITIVE: 0x11,
  ATTRIBUTE_TYPE_INVALID: 0x12,
  ATTRIBUTE_VALUE_INVALID: 0x13,
  ACTION_PROHIBITED: 0x1b,
  DATA_INVALID: 0x20,
  DATA_LEN_RANGE: 0x21,
  DEVICE_ERROR: 0x30,
  DEVICE_MEMORY: 0x31,
  DEVICE_REMOVED: 0x32,
  ENCRYPTED_DATA_INVALID: 0x40,
  ENCRYPTED_DATA_LEN_RANGE: 0x41,
  FUNCTION_NOT_SUPPORTED: 0x54,
  KEY_HANDLE_INVALID: 0x60,
  KEY_SIZE_RANGE: 0x62,
  KEY_TYPE_INCONSISTENT: 0x63,
  KEY_INDIGESTIBLE: 0x67,
  KEY_FUNCTION_NOT_PERMITTED: 0x68,
  KEY_NOT_WRAPPABLE: 0x69,
  KEY_UNEXTRACTABLE: 0x6a,
  MECHANISM_INVALID: 0x70,
  MECHANISM_PARAM_INVALID: 0x71,
  OBJECT_HANDLE_INVALID: 0x82,
  OPERATION_ACTIVE: 0x90,
  OPERATION_NOT_INITIALIZED: 0x91,
  PIN_INCORRECT: 0xa0,
  PIN_LEN_RANGE: 0xa2,
  PIN_LOCKED: 0xa4,
  SESSION_COUNT: 0xb1,
  SESSION_HANDLE_INVALID: 0xb3,
  SESSION_PARALLEL_NOT_SUPPORTED: 0xb4,
  SESSION_READ_ONLY: 0xb5,
  SESSION_EXISTS: 0xb6,
  SESSION_READ_ONLY_EXISTS: 0xb7,
  SESSION_READ_WRITE_SO_EXISTS: 0xb8,
  SIGNATURE_INVALID: 0xc0,
  SIGNATURE_LEN_RANGE: 0xc1,
  TEMPLATE_INCOMPLETE: 0xd0,
  TEMPLATE_INCONSISTENT: 0xd1,
  TOKEN_NOT_PRESENT: 0xe0,
  USER_ALREADY_LOGGED_IN: 0x100,
  USER_NOT_LOGGED_IN: 0x101,
  USER_PIN_NOT_INITIALIZED: 0x102,
  USER_TYPE_INVALID: 0x103,
  USER_ANOTHER_ALREADY_LOGGED_IN: 0x104,
  WRAPPED_KEY_INVALID: 0x110,
  RANDOM_SEED_NOT_SUPPORTED: 0x120,
  BUFFER_TOO_SMALL: 0x150,
  STATE_UNSAVEABLE: 0x180,
  CRYPTOKI_NOT_INITIALIZED: 0x190,
  CRYPTOKI_ALREADY_INITIALIZED: 0x191,
  FUNCTION_REJECTED: 0x200,
} as const;

export type ReturnName = keyof typeof CKR;

/** The engine's codes are CK_RV names: the table must know every one. */
const ENGINE: Readonly<Record<KeysErrorCode, number>> = CKR;

/** An error that the front itself answers with: states of sessions and operations. */
export class ReturnValue extends StrongroomError {
  readonly value: number;

  constructor(name: ReturnName) {
    super(name, `the call is answered with CKR_${name}`, { duty: 'peer' });
    this.value = CKR[name];
  }
}

/** The CK_RV of whatever was thrown; `undefined` when it is no error of the engine or this front. */
export function returnValueOf(thrown: unknown): number | undefined {
  if (thrown instanceof ReturnValue) return thrown.value;
  if (thrown instanceof StrongroomError && isKeysErrorCode(thrown.code)) return ENGINE[thrown.code];
  return undefined;
}

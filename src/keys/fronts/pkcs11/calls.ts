import { digestCalls } from './calls-digest.ts';
import { keyCalls } from './calls-key.ts';
import { objectCalls } from './calls-object.ts';
import { sessionCalls } from './calls-session.ts';
import { tokenCalls } from './calls-token.ts';
import type { CallHandler } from './context.ts';
import { session } from './context.ts';
import { ReturnValue } from './return-value.ts';
import { CALL_SHAPES } from './wire/signatures.ts';
import type { CallName } from './wire/signatures.ts';

const SERVED: Readonly<Partial<Record<CallName, CallHandler>>> = {
  ...tokenCalls,
  ...sessionCalls,
  ...objectCalls,
  ...keyCalls,
  ...digestCalls,
};

/**
 * Recovering signatures, dual-function calls and the message-based calls of 3.0 are not offered: no
 * mechanism here has the first, and the others carry nothing that the plain calls do not.
 */
const notSupported: CallHandler = (context) => {
  session(context);
  throw new ReturnValue('FUNCTION_NOT_SUPPORTED');
};

/** The handler of every call, by its number. */
export const HANDLERS: readonly (CallHandler | undefined)[] = CALL_SHAPES.map((shape) =>
  shape === undefined ? undefined : (SERVED[shape.name] ?? notSupported),
);

/**
 * Calls that are done with their arguments when their handler returns, or copy what they keep. The
 * memory of their frame may then be used again; every other call is given a copy of its own.
 */
export const READS_IN_PLACE: ReadonlySet<CallName> = new Set([
  'GetSessionInfo',
  'FindObjects',
  'FindObjectsFinal',
  'EncryptInit',
  'Encrypt',
  'EncryptUpdate',
  'EncryptFinal',
  'DecryptInit',
  'Decrypt',
  'DecryptUpdate',
  'DecryptFinal',
  'DigestInit',
  'Digest',
  'DigestUpdate',
  'DigestFinal',
  'SignInit',
  'Sign',
  'SignUpdate',
  'SignFinal',
  'VerifyInit',
  'Verify',
  'VerifyUpdate',
  'VerifyFinal',
]);

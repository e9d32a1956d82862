import { BytesError } from '../../../bytes/reader.ts';
import { concat, fromUtf8, utf8 } from '../../../bytes/text.ts';
import { Writer } from '../../../bytes/writer.ts';

/** Message numbers of the agent protocol (draft-ietf-sshm-ssh-agent, 5.1). */
export const MESSAGE = {
  FAILURE: 5,
  SUCCESS: 6,
  REQUEST_IDENTITIES: 11,
  IDENTITIES_ANSWER: 12,
  SIGN_REQUEST: 13,
  SIGN_RESPONSE: 14,
  ADD_IDENTITY: 17,
  REMOVE_IDENTITY: 18,
  REMOVE_ALL_IDENTITIES: 19,
  LOCK: 22,
  UNLOCK: 23,
  ADD_ID_CONSTRAINED: 25,
  EXTENSION: 27,
  EXTENSION_FAILURE: 28,
  EXTENSION_RESPONSE: 29,
} as const;

/** Constraints on a key that is added (5.2). */
export const CONSTRAINT = { LIFETIME: 1, CONFIRM: 2, EXTENSION: 255 } as const;

/** Flags of SIGN_REQUEST (5.3): which hash an RSA signature uses. */
export const FLAG = { RSA_SHA2_256: 2, RSA_SHA2_512: 4 } as const;

/** The longest message that is read. */
export const MAX_MESSAGE: number = 256 * 1024;

/** `string` of RFC 4251, 5: a u32 length and the bytes. */
export function sshString(value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === 'string' ? utf8(value) : value;
  return new Writer(4 + bytes.length).bytes32(bytes).finish();
}

/** The text of a `string`. @throws {BytesError} when it is not UTF-8 */
export function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    throw new BytesError('a text is not UTF-8');
  }
}

/** `mpint` of RFC 4251, 5: no leading zeros, and one in front of a set top bit. */
export function mpint(value: Uint8Array): Uint8Array {
  let start = 0;
  while (start < value.length && value[start] === 0) start++;
  const magnitude = value.subarray(start);
  const padded = (magnitude[0] ?? 0) >= 0x80;
  return sshString(padded ? concat(new Uint8Array(1), magnitude) : magnitude);
}

/** A message with its length in front. */
export function message(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return sshString(concat(Uint8Array.of(type), ...parts));
}

// The one table of vectors whose outcome is not simply 'valid is accepted, invalid is refused'.
import type { KeysErrorCode } from '../../../../src/keys/errors.ts';
import type { Vector } from './vectors.ts';

export type Family = 'symmetric' | 'signature' | 'agreement' | 'oaep' | 'lattice';

export interface Exception {
  readonly family: Family;
  readonly file: RegExp;
  readonly applies: (vector: Vector) => boolean;
  /** `accepted`, `refused` with any code, or the code that the engine must refuse with. */
  readonly outcome: 'accepted' | 'refused' | KeysErrorCode;
  /** How many vectors it covers. */
  readonly count: number;
  readonly reason: string;
}

const flagged =
  (...flags: readonly string[]) =>
  (vector: Vector): boolean =>
    flags.some((flag) => vector.flags.includes(flag));

const acceptable = (vector: Vector): boolean => vector.result === 'acceptable';

/** The first row that applies decides. */
export const EXCEPTIONS: readonly Exception[] = [
  {
    family: 'symmetric',
    file: /^aes_gcm$/,
    applies: (vector) => vector.result === 'valid' && vector.number('ivSize') < 96,
    outcome: 'MECHANISM_PARAM_INVALID',
    count: 37,
    reason: 'nonces under 96 bits are refused: chosen at random they soon repeat',
  },
  {
    family: 'symmetric',
    file: /^aes_gcm$/,
    applies: (vector) => vector.result === 'valid' && vector.number('ivSize') > 1024,
    outcome: 'MECHANISM_PARAM_INVALID',
    count: 3,
    reason: 'nonces over 1024 bits are refused: OpenSSL takes none',
  },
  {
    family: 'symmetric',
    file: /^hmac_/,
    applies: (vector) =>
      vector.result === 'valid' && vector.number('tagSize') < Number(/\d+$/.exec(vector.file)?.[0]),
    outcome: 'SIGNATURE_LEN_RANGE',
    count: 330,
    reason: 'no mechanism with shortened tags is offered; what the engine makes begins with the tag',
  },
  {
    family: 'symmetric',
    file: /^aes_kwp$/,
    applies: (vector) => vector.result === 'valid' && vector.bytes('msg').length < 14,
    outcome: 'KEY_SIZE_RANGE',
    count: 40,
    reason: 'unwrapped, but not kept: a secret key has 14 bytes or more (SP 800-131A, 112 bits)',
  },
  {
    family: 'symmetric',
    file: /^aes_wrap$/,
    applies: (vector) => acceptable(vector) && vector.flags.includes('ShortKey'),
    outcome: 'WRAPPED_KEY_INVALID',
    count: 3,
    reason: 'RFC 3394 wraps two blocks or more',
  },
  {
    family: 'agreement',
    file: /^hkdf_/,
    applies: (vector) => vector.result === 'valid' && vector.number('size') > 512,
    outcome: 'KEY_SIZE_RANGE',
    count: 9,
    reason: 'a secret key has 512 bytes at the most',
  },
  {
    family: 'agreement',
    file: /^ecdh_/,
    applies: acceptable,
    outcome: 'refused',
    count: 921,
    reason: 'one encoding of a public key: uncompressed, the curve by its name, DER to the letter',
  },
  {
    family: 'agreement',
    file: /^x(25519|448)/,
    applies: (vector) => acceptable(vector) && vector.flags.includes('ZeroSharedSecret'),
    outcome: 'refused',
    count: 84,
    reason: 'a shared secret of zero says nothing about the other side (RFC 7748, 6)',
  },
  {
    family: 'agreement',
    file: /^x(25519|448)/,
    applies: acceptable,
    outcome: 'accepted',
    count: 913,
    reason: 'points on the twist and numbers that are not reduced are right inputs (RFC 7748, 5)',
  },
];

export { flagged };

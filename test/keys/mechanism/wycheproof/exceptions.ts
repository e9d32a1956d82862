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
    reason:
      'no mechanism with shortened tags is offered; what the engine makes begins with the tag',
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
  {
    family: 'signature',
    file: /^rsa_signature_/,
    applies: acceptable,
    outcome: 'SIGNATURE_INVALID',
    count: 10,
    reason: 'one encoding of a digest: NULL is not left out (RFC 8017, 9.2)',
  },
  {
    family: 'signature',
    file: /^rsa_pkcs1_/,
    applies: flagged('WeakHash'),
    outcome: 'MECHANISM_INVALID',
    count: 8,
    reason: 'SHA-1 signs nothing here',
  },
  {
    family: 'signature',
    file: /^rsa_pkcs1_/,
    applies: flagged('SmallPublicKey'),
    outcome: 'accepted',
    count: 5,
    reason: 'a small public exponent weakens no signature with full padding: imports may have one',
  },
  {
    family: 'signature',
    file: /^rsa_pss_misc$/,
    applies: flagged('WeakHash'),
    outcome: 'MECHANISM_INVALID',
    count: 30,
    reason: 'SHA-1 signs nothing here',
  },
  {
    family: 'signature',
    file: /^rsa_pss_misc$/,
    applies: flagged('DistinctHash'),
    outcome: 'MECHANISM_PARAM_INVALID',
    count: 96,
    reason: 'one hash for message and mask',
  },
  {
    family: 'oaep',
    file: /^rsa_oaep_misc$/,
    applies: (vector) => vector.number('keySize') < 2048 || vector.number('keySize') > 4096,
    outcome: 'KEY_SIZE_RANGE',
    count: 165,
    reason: 'RSA keys have 2048 to 4096 bits',
  },
  {
    family: 'oaep',
    file: /^rsa_oaep_/,
    applies: (vector) => vector.result === 'valid' && vector.text('sha') !== vector.text('mgfSha'),
    outcome: 'MECHANISM_PARAM_INVALID',
    count: 181,
    reason: 'one hash for label and mask',
  },
  {
    family: 'oaep',
    file: /^rsa_oaep_misc$/,
    applies: acceptable,
    outcome: 'accepted',
    count: 3,
    reason: 'a ciphertext may be a small number',
  },
  {
    family: 'lattice',
    file: /^mldsa_/,
    applies: flagged('Internal'),
    outcome: 'MECHANISM_INVALID',
    count: 49,
    reason: 'messages are signed, not the digest inside ML-DSA (external mu)',
  },
];

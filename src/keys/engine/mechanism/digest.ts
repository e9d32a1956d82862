import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { KeysError } from '../../errors.ts';
import { CKM } from '../pkcs11.ts';

const NAMES: ReadonlyMap<number, string> = new Map([
  [CKM.SHA224, 'sha224'],
  [CKM.SHA256, 'sha256'],
  [CKM.SHA384, 'sha384'],
  [CKM.SHA512, 'sha512'],
  [CKM.SHA512_256, 'sha512-256'],
  [CKM.SHA3_224, 'sha3-224'],
  [CKM.SHA3_256, 'sha3-256'],
  [CKM.SHA3_384, 'sha3-384'],
  [CKM.SHA3_512, 'sha3-512'],
]);

/** Bytes of each digest that is offered by itself, by its CKM number. */
export const DIGEST_LENGTH: ReadonlyMap<number, number> = new Map([
  [CKM.SHA224, 28],
  [CKM.SHA256, 32],
  [CKM.SHA384, 48],
  [CKM.SHA512, 64],
  [CKM.SHA512_256, 32],
  [CKM.SHA3_224, 28],
  [CKM.SHA3_256, 32],
  [CKM.SHA3_384, 48],
  [CKM.SHA3_512, 64],
]);

/** A digest to be fed. @throws {KeysError} MECHANISM_INVALID */
export function createDigest(type: number): Hash {
  const name = NAMES.get(type);
  if (name === undefined) throw new KeysError('MECHANISM_INVALID', 'no such digest');
  return createHash(name);
}

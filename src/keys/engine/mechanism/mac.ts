import * as nodeCrypto from 'node:crypto';
import { createHmac } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KeysError } from '../../errors.ts';
import { CKM } from '../pkcs11.ts';
import { parameterError } from './failing.ts';
import type { Mechanism } from './mechanism.ts';

/** HMAC (FIPS 198-1) and AES-CMAC (SP 800-38B), at their full length. */
export interface RunningMac {
  update(part: Uint8Array): void;
  finish(): Uint8Array;
}

/** Name of the hash and length of the MAC by the mechanism. */
export const HMAC_HASHES: ReadonlyMap<number, { readonly name: string; readonly length: number }> =
  new Map([
    [CKM.SHA224_HMAC, { name: 'sha224', length: 28 }],
    [CKM.SHA256_HMAC, { name: 'sha256', length: 32 }],
    [CKM.SHA384_HMAC, { name: 'sha384', length: 48 }],
    [CKM.SHA512_HMAC, { name: 'sha512', length: 64 }],
    [CKM.SHA512_224_HMAC, { name: 'sha512-224', length: 28 }],
    [CKM.SHA512_256_HMAC, { name: 'sha512-256', length: 32 }],
    [CKM.SHA3_224_HMAC, { name: 'sha3-224', length: 28 }],
    [CKM.SHA3_256_HMAC, { name: 'sha3-256', length: 32 }],
    [CKM.SHA3_384_HMAC, { name: 'sha3-384', length: 48 }],
    [CKM.SHA3_512_HMAC, { name: 'sha3-512', length: 64 }],
  ]);

/** Bytes of a MAC, or `undefined` when the mechanism makes none. */
export function macLength(type: number): number | undefined {
  return type === CKM.AES_CMAC ? 16 : HMAC_HASHES.get(type)?.length;
}

/** `crypto.createMac` of Node 26, which its type declarations do not list yet. */
type CreateMac = (
  name: string,
  key: KeyObject,
  options: { readonly cipher: string },
) => { update(data: Uint8Array): unknown; final(): Uint8Array };
const createMac = Reflect.get(nodeCrypto, 'createMac') as CreateMac;

/** @throws {KeysError} MECHANISM_PARAM_INVALID: a MAC takes none */
export function checkMac(mechanism: Mechanism): void {
  if (mechanism.parameter.kind !== 'none') throw parameterError('kind');
}

/** @throws {KeysError} MECHANISM_INVALID, MECHANISM_PARAM_INVALID */
export function startMac(mechanism: Mechanism, key: KeyObject): RunningMac {
  checkMac(mechanism);
  if (mechanism.type === CKM.AES_CMAC) {
    const cipher = `aes-${(key.symmetricKeySize ?? 0) * 8}-cbc`;
    const cmac = createMac('cmac', key, { cipher });
    return { update: (part) => void cmac.update(part), finish: () => cmac.final() };
  }
  const hash = HMAC_HASHES.get(mechanism.type);
  if (hash === undefined) throw new KeysError('MECHANISM_INVALID', 'no such mechanism for sign');
  const hmac = createHmac(hash.name, key);
  return { update: (part) => void hmac.update(part), finish: () => hmac.digest() };
}

export function computeMac(mechanism: Mechanism, key: KeyObject, data: Uint8Array): Uint8Array {
  const running = startMac(mechanism, key);
  running.update(data);
  return running.finish();
}

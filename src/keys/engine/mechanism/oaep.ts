import { constants, privateDecrypt, publicEncrypt } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { failing, parameterError } from './failing.ts';
import { OAEP_HASHES } from './hash.ts';
import type { HashInfo } from './hash.ts';
import type { Mechanism } from './mechanism.ts';

/** RSAES-OAEP (RFC 8017, 7.1) with one hash for label and mask, and a label. */

interface OaepInput {
  readonly key: KeyObject;
  readonly padding: number;
  readonly oaepHash: string;
  readonly oaepLabel?: Uint8Array;
}

function hashOf(mechanism: Mechanism): HashInfo {
  const { parameter } = mechanism;
  if (parameter.kind !== 'oaep') throw parameterError('kind');
  const hash = OAEP_HASHES.get(parameter.hash);
  if (hash === undefined) throw parameterError('hash');
  // OpenSSL is told of one hash by `node:crypto`: another one for the mask is not offered.
  if (hash.mgf !== parameter.mgf) throw parameterError('mask generation');
  return hash;
}

function inputOf(mechanism: Mechanism, key: KeyObject): OaepInput {
  const oaepHash = hashOf(mechanism).name;
  const { parameter } = mechanism;
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  return parameter.kind === 'oaep' && parameter.label.length > 0
    ? { key, padding, oaepHash, oaepLabel: parameter.label }
    : { key, padding, oaepHash };
}

/** @throws {KeysError} MECHANISM_PARAM_INVALID when the parameter does not fit the mechanism */
export function checkOaep(mechanism: Mechanism): void {
  hashOf(mechanism);
}

/** Bytes that a key with a modulus of so many bytes encrypts at the most. */
export function oaepCapacity(mechanism: Mechanism, modulusBytes: number): number {
  return Math.max(0, modulusBytes - 2 * hashOf(mechanism).length - 2);
}

/** @throws {KeysError} MECHANISM_PARAM_INVALID, DATA_LEN_RANGE */
export function oaepEncrypt(mechanism: Mechanism, key: KeyObject, data: Uint8Array): Uint8Array {
  const input = inputOf(mechanism, key);
  return failing('DATA_LEN_RANGE', 'these data are too long for this key', () =>
    publicEncrypt(input, data),
  );
}

/** @throws {KeysError} MECHANISM_PARAM_INVALID, ENCRYPTED_DATA_INVALID */
export function oaepDecrypt(mechanism: Mechanism, key: KeyObject, data: Uint8Array): Uint8Array {
  const input = inputOf(mechanism, key);
  const message = 'these bytes were not encrypted under this key and these parameters';
  return failing('ENCRYPTED_DATA_INVALID', message, () => privateDecrypt(input, data));
}

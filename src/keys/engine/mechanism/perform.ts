import {
  createSecretKey,
  decapsulate as nodeDecapsulate,
  encapsulate as nodeEncapsulate,
  timingSafeEqual,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KeysError } from '../../errors.ts';
import { CKM } from '../pkcs11.ts';
import { agree, hkdf } from './agreement.ts';
import { aesDecrypt, aesEncrypt, checkCipher } from './cipher.ts';
import { failing, parameterError } from './failing.ts';
import { aesUnwrap, aesWrap } from './key-wrap.ts';
import { latticeNamed } from './lattice.ts';
import { checkMac, computeMac } from './mac.ts';
import type { Mechanism } from './mechanism.ts';
import { checkOaep, oaepDecrypt, oaepEncrypt } from './oaep.ts';
import { checkRaw, isRaw, signRaw, verifyRaw } from './raw.ts';
import type { DigestSigner } from './raw.ts';
import { checkSignature, signMessage, verifyMessage } from './signature.ts';

/**
 * Every operation, by its verb: which family of mechanisms does it. The service asks whether a key
 * may before it comes here.
 */

/**
 * Whether the parameter fits mechanism and key, before any data come.
 * @throws {KeysError} MECHANISM_PARAM_INVALID
 */
export function check(
  verb: 'sign' | 'verify' | 'encrypt' | 'decrypt',
  mechanism: Mechanism,
  key: KeyObject,
): void {
  if (isRaw(mechanism.type)) checkRaw(mechanism);
  else if (mechanism.type === CKM.RSA_PKCS_OAEP) checkOaep(mechanism);
  else if (verb === 'encrypt' || verb === 'decrypt') checkCipher(mechanism);
  else if (key.type === 'secret') checkMac(mechanism);
  else checkSignature(mechanism, key);
}

/**
 * Signs, or MACs with a secret key (PKCS#11 v3.1, C_Sign).
 * @throws {KeysError} MECHANISM_INVALID, MECHANISM_PARAM_INVALID, DATA_INVALID, DATA_LEN_RANGE
 */
export function sign(
  mechanism: Mechanism,
  key: KeyObject,
  data: Uint8Array,
  signer: DigestSigner,
): Uint8Array {
  if (isRaw(mechanism.type)) return signRaw(mechanism, key, data, signer);
  if (key.type === 'secret') return computeMac(mechanism, key, data);
  return signMessage(mechanism, key, data);
}

/** Whether a signature or MAC is right; MACs are compared in constant time. */
export function verify(
  mechanism: Mechanism,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
  signer: DigestSigner,
): boolean {
  if (isRaw(mechanism.type)) return verifyRaw(mechanism, key, data, signature, signer);
  if (key.type === 'secret') return sameMac(computeMac(mechanism, key, data), signature);
  return verifyMessage(mechanism, key, data, signature);
}

/** Whether a MAC is the computed one, which is wiped: it would be a forgery in other hands. */
export function sameMac(computed: Uint8Array, given: Uint8Array): boolean {
  const same = computed.length === given.length && timingSafeEqual(computed, given);
  computed.fill(0);
  return same;
}

/** @throws {KeysError} MECHANISM_PARAM_INVALID, DATA_LEN_RANGE */
export function encrypt(mechanism: Mechanism, key: KeyObject, data: Uint8Array): Uint8Array {
  return mechanism.type === CKM.RSA_PKCS_OAEP
    ? oaepEncrypt(mechanism, key, data)
    : aesEncrypt(mechanism, key, data);
}

/** @throws {KeysError} MECHANISM_PARAM_INVALID, ENCRYPTED_DATA_INVALID, ENCRYPTED_DATA_LEN_RANGE */
export function decrypt(mechanism: Mechanism, key: KeyObject, data: Uint8Array): Uint8Array {
  return mechanism.type === CKM.RSA_PKCS_OAEP
    ? oaepDecrypt(mechanism, key, data)
    : aesDecrypt(mechanism, key, data);
}

/**
 * Wraps clear key bytes: AES-KW, AES-KWP or RSA-OAEP.
 * @throws {KeysError} DATA_LEN_RANGE, MECHANISM_PARAM_INVALID
 */
export function wrap(mechanism: Mechanism, key: KeyObject, clear: Uint8Array): Uint8Array {
  return mechanism.type === CKM.RSA_PKCS_OAEP
    ? oaepEncrypt(mechanism, key, clear)
    : aesWrap(mechanism, key, clear);
}

/** @throws {KeysError} WRAPPED_KEY_INVALID, MECHANISM_PARAM_INVALID. The caller wipes the result */
export function unwrap(mechanism: Mechanism, key: KeyObject, wrapped: Uint8Array): Uint8Array {
  if (mechanism.type !== CKM.RSA_PKCS_OAEP) return aesUnwrap(mechanism, key, wrapped);
  try {
    return oaepDecrypt(mechanism, key, wrapped);
  } catch (error) {
    if (!(error instanceof KeysError) || error.code !== 'ENCRYPTED_DATA_INVALID') throw error;
    throw new KeysError('WRAPPED_KEY_INVALID', 'these bytes were not wrapped under this key');
  }
}

/**
 * ECDH or HKDF; the caller wipes the result.
 * @throws {KeysError} MECHANISM_PARAM_INVALID, TEMPLATE_INCOMPLETE, KEY_SIZE_RANGE
 */
export function derive(
  mechanism: Mechanism,
  base: KeyObject,
  length: number | undefined,
): Uint8Array {
  return mechanism.type === CKM.HKDF_DERIVE
    ? hkdf(mechanism, base, length)
    : agree(mechanism, base, length);
}

/** ML-KEM (FIPS 203, 7.2). The caller wipes the secret. @throws {KeysError} MECHANISM_PARAM_INVALID */
export function encapsulate(
  mechanism: Mechanism,
  key: KeyObject,
): { readonly ciphertext: Uint8Array; readonly secret: Uint8Array } {
  if (mechanism.parameter.kind !== 'none') throw parameterError('kind');
  const { ciphertext, sharedKey } = nodeEncapsulate(key);
  return { ciphertext, secret: sharedKey };
}

/** @throws {KeysError} ENCRYPTED_DATA_LEN_RANGE (FIPS 203, 7.3), MECHANISM_PARAM_INVALID */
export function decapsulate(
  mechanism: Mechanism,
  key: KeyObject,
  ciphertext: Uint8Array,
): Uint8Array {
  if (mechanism.parameter.kind !== 'none') throw parameterError('kind');
  if (ciphertext.length !== latticeNamed(key.asymmetricKeyType)?.output) {
    throw new KeysError('ENCRYPTED_DATA_LEN_RANGE', 'this is no ciphertext for this key');
  }
  return failing('ENCRYPTED_DATA_INVALID', 'this is no ciphertext for this key', () =>
    nodeDecapsulate(key, ciphertext),
  );
}

/** A secret key object; the bytes stay the caller's to wipe. */
export function secretKey(bytes: Uint8Array): KeyObject {
  return createSecretKey(bytes);
}

import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  decapsulate as nodeDecapsulate,
  diffieHellman,
  encapsulate as nodeEncapsulate,
  hkdfSync,
  privateDecrypt,
  publicEncrypt,
  sign as nodeSign,
  timingSafeEqual,
  verify as nodeVerify,
} from 'node:crypto';
import * as nodeCrypto from 'node:crypto';
import type { KeyObject, SignKeyObjectInput } from 'node:crypto';
import { concat } from '../../../bytes/text.ts';
import { KeysError } from '../../errors.ts';
import { CKD, CKG, CKM } from '../pkcs11.ts';
import { publicKeyFromPoint } from './components.ts';
import { CURVES, MONTGOMERY, publicFromDer } from './generate.ts';
import { isRaw, signRaw, verifyRaw } from './raw.ts';
import type { DigestSigner } from './raw.ts';
import type { Mechanism } from './mechanism.ts';

const HASHES: ReadonlyMap<number, string> = new Map([
  [CKM.SHA256, 'sha256'],
  [CKM.SHA384, 'sha384'],
  [CKM.SHA512, 'sha512'],
]);

/** Hash of the mechanisms that hash and then sign; `null` where the scheme hashes by itself. */
const SIGNATURE_HASH: ReadonlyMap<number, string | null> = new Map([
  [CKM.SHA256_RSA_PKCS, 'sha256'],
  [CKM.SHA384_RSA_PKCS, 'sha384'],
  [CKM.SHA512_RSA_PKCS, 'sha512'],
  [CKM.SHA256_RSA_PKCS_PSS, 'sha256'],
  [CKM.SHA384_RSA_PKCS_PSS, 'sha384'],
  [CKM.SHA512_RSA_PKCS_PSS, 'sha512'],
  [CKM.ECDSA_SHA256, 'sha256'],
  [CKM.ECDSA_SHA384, 'sha384'],
  [CKM.ECDSA_SHA512, 'sha512'],
  [CKM.EDDSA, null],
  [CKM.ML_DSA, null],
]);

const HMAC_HASH: ReadonlyMap<number, string> = new Map([
  [CKM.SHA256_HMAC, 'sha256'],
  [CKM.SHA384_HMAC, 'sha384'],
  [CKM.SHA512_HMAC, 'sha512'],
]);

const MGF_OF: ReadonlyMap<number, number> = new Map([
  [CKM.SHA256, CKG.MGF1_SHA256],
  [CKM.SHA384, CKG.MGF1_SHA384],
  [CKM.SHA512, CKG.MGF1_SHA512],
]);

/** `crypto.createMac` of Node 26, which its type declarations do not list yet. */
type CreateMac = (
  name: string,
  key: KeyObject,
  options: { readonly cipher: string },
) => { update(data: Uint8Array): unknown; final(): Uint8Array };
const createMac = Reflect.get(nodeCrypto, 'createMac') as CreateMac;

function parameterError(what: string): KeysError {
  return new KeysError('MECHANISM_PARAM_INVALID', `the mechanism's parameter has a wrong ${what}`);
}

/** OpenSSL's own text may quote lengths of secrets; only the kind of failure goes on. */
function failing<Result>(
  code: ConstructorParameters<typeof KeysError>[0],
  message: string,
  work: () => Result,
): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof KeysError) throw error;
    throw new KeysError(code, message);
  }
}

function signatureInput(mechanism: Mechanism, key: KeyObject): SignKeyObjectInput {
  const { type, parameter } = mechanism;
  switch (type) {
    case CKM.ECDSA_SHA256:
    case CKM.ECDSA_SHA384:
    case CKM.ECDSA_SHA512:
      // PKCS#11 v3.1, 6.3.1: r and s behind each other, each of the order's length.
      return { key, dsaEncoding: 'ieee-p1363' };
    case CKM.SHA256_RSA_PKCS_PSS:
    case CKM.SHA384_RSA_PKCS_PSS:
    case CKM.SHA512_RSA_PKCS_PSS: {
      if (parameter.kind !== 'pss') throw parameterError('kind');
      const hash = SIGNATURE_HASH.get(type);
      if (HASHES.get(parameter.hash) !== hash) throw parameterError('hash');
      if (MGF_OF.get(parameter.hash) !== parameter.mgf) throw parameterError('mask generation');
      if (parameter.saltLength < 0 || parameter.saltLength > 64)
        throw parameterError('salt length');
      return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: parameter.saltLength };
    }
    case CKM.SHA256_RSA_PKCS:
    case CKM.SHA384_RSA_PKCS:
    case CKM.SHA512_RSA_PKCS:
      return { key, padding: constants.RSA_PKCS1_PADDING };
    default:
      if (parameter.kind !== 'none') throw parameterError('kind');
      return { key };
  }
}

function mac(mechanism: Mechanism, key: KeyObject, data: Uint8Array): Uint8Array {
  if (mechanism.parameter.kind !== 'none') throw parameterError('kind');
  if (mechanism.type === CKM.AES_CMAC) {
    const cipher = `aes-${(key.symmetricKeySize ?? 0) * 8}-cbc`;
    const running = createMac('cmac', key, { cipher });
    running.update(data);
    return running.final();
  }
  const hash = HMAC_HASH.get(mechanism.type);
  if (hash === undefined) throw new KeysError('MECHANISM_INVALID', 'no such mechanism for sign');
  return createHmac(hash, key).update(data).digest();
}

/**
 * Signs, or MACs with a secret key (PKCS#11 v3.1, C_Sign).
 * @throws {KeysError} MECHANISM_INVALID, MECHANISM_PARAM_INVALID, DATA_INVALID
 */
export function sign(
  mechanism: Mechanism,
  key: KeyObject,
  data: Uint8Array,
  signer: DigestSigner,
): Uint8Array {
  if (isRaw(mechanism.type)) return signRaw(mechanism, key, data, signer);
  if (key.type === 'secret') return mac(mechanism, key, data);
  const hash = SIGNATURE_HASH.get(mechanism.type);
  if (hash === undefined) throw new KeysError('MECHANISM_INVALID', 'no such mechanism for sign');
  const input = signatureInput(mechanism, key);
  return failing('DATA_INVALID', 'these data cannot be signed', () => nodeSign(hash, data, input));
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
  if (key.type === 'secret') {
    const expected = mac(mechanism, key, data);
    return expected.length === signature.length && timingSafeEqual(expected, signature);
  }
  const hash = SIGNATURE_HASH.get(mechanism.type);
  if (hash === undefined) throw new KeysError('MECHANISM_INVALID', 'no such mechanism for verify');
  const input = signatureInput(mechanism, key);
  return failing('SIGNATURE_INVALID', 'the signature is malformed', () =>
    nodeVerify(hash, data, input, signature),
  );
}

interface GcmOptions {
  readonly iv: Uint8Array;
  readonly aad: Uint8Array;
  readonly tag: number;
  readonly cipher: 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm';
}

function gcmOptions(mechanism: Mechanism, key: KeyObject): GcmOptions {
  const { parameter } = mechanism;
  if (parameter.kind !== 'gcm') throw parameterError('kind');
  // SP 800-38D, 5.2.1.2: short tags are for special uses that do not occur here.
  if (parameter.tagBits < 96 || parameter.tagBits > 128 || parameter.tagBits % 8 !== 0) {
    throw parameterError('tag length');
  }
  if (parameter.iv.length < 12 || parameter.iv.length > 128) throw parameterError('nonce length');
  const bits = (key.symmetricKeySize ?? 0) * 8;
  const cipher = bits === 128 ? 'aes-128-gcm' : bits === 192 ? 'aes-192-gcm' : 'aes-256-gcm';
  return { iv: parameter.iv, aad: parameter.aad, tag: parameter.tagBits / 8, cipher };
}

function oaep(mechanism: Mechanism, key: KeyObject): object {
  const { parameter } = mechanism;
  if (parameter.kind !== 'oaep') throw parameterError('kind');
  const oaepHash = HASHES.get(parameter.hash);
  if (oaepHash === undefined) throw parameterError('hash');
  if (MGF_OF.get(parameter.hash) !== parameter.mgf) throw parameterError('mask generation');
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const label = parameter.label.length === 0 ? {} : { oaepLabel: parameter.label };
  return { key, padding, oaepHash, ...label };
}

/** @throws {KeysError} MECHANISM_PARAM_INVALID, DATA_LEN_RANGE */
export function encrypt(mechanism: Mechanism, key: KeyObject, data: Uint8Array): Uint8Array {
  if (mechanism.type === CKM.RSA_PKCS_OAEP) {
    const input = oaep(mechanism, key) as SignKeyObjectInput;
    return failing('DATA_LEN_RANGE', 'these data are too long for this key', () =>
      publicEncrypt(input, data),
    );
  }
  const { cipher, iv, aad, tag } = gcmOptions(mechanism, key);
  const running = createCipheriv(cipher, key, iv, { authTagLength: tag });
  running.setAAD(aad);
  return concat(running.update(data), running.final(), running.getAuthTag());
}

/** @throws {KeysError} ENCRYPTED_DATA_INVALID: nothing is given out before the tag is checked */
export function decrypt(mechanism: Mechanism, key: KeyObject, data: Uint8Array): Uint8Array {
  const message = 'these bytes were not encrypted under this key and these parameters';
  if (mechanism.type === CKM.RSA_PKCS_OAEP) {
    const input = oaep(mechanism, key) as SignKeyObjectInput;
    return failing('ENCRYPTED_DATA_INVALID', message, () => privateDecrypt(input, data));
  }
  const { cipher, iv, aad, tag } = gcmOptions(mechanism, key);
  if (data.length < tag)
    throw new KeysError('ENCRYPTED_DATA_LEN_RANGE', 'too short to be encrypted');
  return failing('ENCRYPTED_DATA_INVALID', message, () => {
    const running = createDecipheriv(cipher, key, iv, { authTagLength: tag });
    running.setAAD(aad);
    running.setAuthTag(data.subarray(data.length - tag));
    const clear = running.update(data.subarray(0, data.length - tag));
    running.final();
    return clear;
  });
}

function keyWrapCipher(mechanism: Mechanism, key: KeyObject): { cipher: string; iv: Uint8Array } {
  const bits = (key.symmetricKeySize ?? 0) * 8;
  // The initial values of RFC 3394, 2.2.3.1 and RFC 5649, 3.
  return mechanism.type === CKM.AES_KEY_WRAP
    ? { cipher: `id-aes${bits}-wrap`, iv: new Uint8Array(8).fill(0xa6) }
    : { cipher: `id-aes${bits}-wrap-pad`, iv: Uint8Array.fromHex('a65959a6') };
}

/**
 * Wraps clear key bytes: AES-KW (RFC 3394), AES-KWP (RFC 5649) or RSA-OAEP.
 * @throws {KeysError} DATA_LEN_RANGE
 */
export function wrap(mechanism: Mechanism, key: KeyObject, clear: Uint8Array): Uint8Array {
  if (mechanism.type === CKM.RSA_PKCS_OAEP) return encrypt(mechanism, key, clear);
  const fits =
    mechanism.type === CKM.AES_KEY_WRAP
      ? clear.length >= 16 && clear.length % 8 === 0
      : clear.length > 0;
  if (!fits)
    throw new KeysError('DATA_LEN_RANGE', 'AES-KW wraps multiples of 8 bytes; take AES-KWP');
  const { cipher, iv } = keyWrapCipher(mechanism, key);
  const running = createCipheriv(cipher, key, iv);
  return concat(running.update(clear), running.final());
}

/** @throws {KeysError} WRAPPED_KEY_INVALID */
export function unwrap(mechanism: Mechanism, key: KeyObject, wrapped: Uint8Array): Uint8Array {
  if (mechanism.type === CKM.RSA_PKCS_OAEP) return decrypt(mechanism, key, wrapped);
  const message = 'these bytes were not wrapped under this key';
  const least = mechanism.type === CKM.AES_KEY_WRAP ? 24 : 16;
  // OpenSSL takes an empty input for a right one; RFC 3394 has none shorter than this.
  if (wrapped.length < least || wrapped.length % 8 !== 0) {
    throw new KeysError('WRAPPED_KEY_INVALID', message);
  }
  const { cipher, iv } = keyWrapCipher(mechanism, key);
  return failing('WRAPPED_KEY_INVALID', message, () => {
    const running = createDecipheriv(cipher, key, iv);
    return concat(running.update(wrapped), running.final());
  });
}

/** DER of the object identifier of a key's curve. */
function curveOf(key: KeyObject): Uint8Array {
  const name = key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType;
  const found = [...CURVES, ...MONTGOMERY].find(([, curve]) => curve === name);
  if (found === undefined) throw parameterError('curve');
  return Uint8Array.fromHex(found[0]);
}

/** The other side's public key: SubjectPublicKeyInfo, or a point on the curve of ours. */
function peerKey(base: KeyObject, data: Uint8Array): KeyObject {
  const curve = curveOf(base);
  try {
    return publicKeyFromPoint(curve, data);
  } catch {
    return publicFromDer(data);
  }
}

const MAX_DERIVED = 512;

/**
 * ECDH (peer's key as SubjectPublicKeyInfo or as a point) or HKDF (RFC 5869); the caller wipes the result.
 * @throws {KeysError} MECHANISM_PARAM_INVALID, KEY_SIZE_RANGE
 */
export function derive(
  mechanism: Mechanism,
  base: KeyObject,
  length: number | undefined,
): Uint8Array {
  const { parameter } = mechanism;
  if (parameter.kind === 'hkdf') {
    const hash = HASHES.get(parameter.hash);
    if (hash === undefined || !parameter.extract || !parameter.expand)
      throw parameterError('hash or step');
    if (length === undefined || length < 1 || length > MAX_DERIVED) {
      throw new KeysError(
        'KEY_SIZE_RANGE',
        `CKA_VALUE_LEN is 1 to ${MAX_DERIVED} for a derived key`,
      );
    }
    return new Uint8Array(hkdfSync(hash, base, parameter.salt, parameter.info, length));
  }
  if (parameter.kind !== 'ecdh' || parameter.kdf !== CKD.NULL) throw parameterError('kind');
  const shared: Uint8Array = failing(
    'MECHANISM_PARAM_INVALID',
    "the peer's public key does not fit",
    () => diffieHellman({ privateKey: base, publicKey: peerKey(base, parameter.publicData) }),
  );
  if (length === undefined || length === shared.length) return shared;
  if (length > shared.length) throw new KeysError('KEY_SIZE_RANGE', 'the shared secret is shorter');
  // PKCS#11 v3.1, 6.3.20: the leading bytes are taken.
  return new Uint8Array(shared.subarray(0, length));
}

/** ML-KEM (FIPS 203). The caller wipes the secret. */
export function encapsulate(
  _mechanism: Mechanism,
  key: KeyObject,
): { readonly ciphertext: Uint8Array; readonly secret: Uint8Array } {
  const { ciphertext, sharedKey } = nodeEncapsulate(key);
  return { ciphertext, secret: sharedKey };
}

/** @throws {KeysError} ENCRYPTED_DATA_INVALID when the length is wrong (FIPS 203, 7.3) */
export function decapsulate(
  _mechanism: Mechanism,
  key: KeyObject,
  ciphertext: Uint8Array,
): Uint8Array {
  return failing('ENCRYPTED_DATA_INVALID', 'this is no ciphertext for this key', () =>
    nodeDecapsulate(key, ciphertext),
  );
}

/** A secret key object; the bytes stay the caller's to wipe. */
export function secretKey(bytes: Uint8Array): KeyObject {
  return createSecretKey(bytes);
}

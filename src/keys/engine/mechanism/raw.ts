import { constants, privateEncrypt, publicDecrypt, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KeysError } from '../../errors.ts';
import { CKG, CKM } from '../pkcs11.ts';
import { failing, parameterError } from './failing.ts';
import type { Mechanism } from './mechanism.ts';
import { checkSalt } from './signature.ts';

/**
 * Signatures over a digest that somebody else computed: the only ones that the oldest PKCS#11
 * clients carry for ECDSA and PSS. `node:crypto` hashes whatever it signs with these two, so OpenSSL
 * is called directly; whoever composes the engine passes that in.
 */
export interface DigestSigner {
  /** ECDSA; `r` and `s` behind each other. The digest is cut to the length of the order. */
  ecdsaSign(key: KeyObject, digest: Uint8Array): Uint8Array;
  ecdsaVerify(key: KeyObject, digest: Uint8Array, signature: Uint8Array): boolean;
  /** RSASSA-PSS with one hash for message and mask (RFC 8017, 8.1). */
  pssSign(key: KeyObject, digest: Uint8Array, hash: PssHash, saltLength: number): Uint8Array;
  pssVerify(
    key: KeyObject,
    digest: Uint8Array,
    hash: PssHash,
    saltLength: number,
    signature: Uint8Array,
  ): boolean;
}

export type PssHash = 'sha224' | 'sha256' | 'sha384' | 'sha512';

const PSS_HASHES: ReadonlyMap<number, { name: PssHash; length: number; mgf: number }> = new Map([
  [CKM.SHA224, { name: 'sha224', length: 28, mgf: CKG.MGF1_SHA224 }],
  [CKM.SHA256, { name: 'sha256', length: 32, mgf: CKG.MGF1_SHA256 }],
  [CKM.SHA384, { name: 'sha384', length: 48, mgf: CKG.MGF1_SHA384 }],
  [CKM.SHA512, { name: 'sha512', length: 64, mgf: CKG.MGF1_SHA512 }],
] as const);

/** Longer inputs of ECDSA are no digest. */
const MAX_DIGEST = 128;

export function isRaw(type: number): boolean {
  return type === CKM.ECDSA || type === CKM.RSA_PKCS_PSS || type === CKM.RSA_PKCS;
}

/** @throws {KeysError} MECHANISM_PARAM_INVALID */
function pssOf({ parameter }: Mechanism): { name: PssHash; length: number; saltLength: number } {
  if (parameter.kind !== 'pss') throw parameterError('kind');
  const hash = PSS_HASHES.get(parameter.hash);
  if (hash === undefined) throw parameterError('hash');
  if (hash.mgf !== parameter.mgf) throw parameterError('mask generation');
  checkSalt(parameter.saltLength);
  return { name: hash.name, length: hash.length, saltLength: parameter.saltLength };
}

function checkDigest(digest: Uint8Array, length: number): void {
  if (digest.length === length) return;
  throw new KeysError('DATA_LEN_RANGE', 'these data are no digest of the hash in the parameter');
}

/** @throws {KeysError} MECHANISM_PARAM_INVALID when the parameter does not fit the mechanism */
export function checkRaw(mechanism: Mechanism): void {
  if (mechanism.type === CKM.RSA_PKCS_PSS) pssOf(mechanism);
  else checkNone(mechanism);
}

/** Bytes of an RSA key's modulus. */
function modulusBytes(key: KeyObject): number {
  return Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
}

function checkNone(mechanism: Mechanism): void {
  if (mechanism.parameter.kind !== 'none') throw parameterError('kind');
}

/**
 * CKM_ECDSA, CKM_RSA_PKCS (the data in a block of type 1, RFC 8017 9.2 without its hash) or
 * CKM_RSA_PKCS_PSS.
 * @throws {KeysError} DATA_LEN_RANGE, MECHANISM_PARAM_INVALID
 */
export function signRaw(
  mechanism: Mechanism,
  key: KeyObject,
  data: Uint8Array,
  signer: DigestSigner,
): Uint8Array {
  if (mechanism.type === CKM.RSA_PKCS_PSS) {
    const { name, length, saltLength } = pssOf(mechanism);
    checkDigest(data, length);
    return signer.pssSign(key, data, name, saltLength);
  }
  checkNone(mechanism);
  if (mechanism.type === CKM.ECDSA) {
    if (data.length === 0 || data.length > MAX_DIGEST) {
      throw new KeysError('DATA_LEN_RANGE', `ECDSA signs a digest of 1 to ${MAX_DIGEST} bytes`);
    }
    return signer.ecdsaSign(key, data);
  }
  const most = modulusBytes(key) - 11;
  if (data.length > most) {
    throw new KeysError('DATA_LEN_RANGE', `this key signs ${most} bytes at the most`);
  }
  return failing('DATA_INVALID', 'these data cannot be signed', () =>
    privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, data),
  );
}

/** @throws {KeysError} DATA_LEN_RANGE, MECHANISM_PARAM_INVALID */
export function verifyRaw(
  mechanism: Mechanism,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
  signer: DigestSigner,
): boolean {
  if (mechanism.type === CKM.RSA_PKCS_PSS) {
    const { name, length, saltLength } = pssOf(mechanism);
    checkDigest(data, length);
    return signer.pssVerify(key, data, name, saltLength, signature);
  }
  checkNone(mechanism);
  if (mechanism.type === CKM.ECDSA) {
    if (data.length === 0 || data.length > MAX_DIGEST) return false;
    return signer.ecdsaVerify(key, data, signature);
  }
  if (signature.length !== modulusBytes(key)) return false;
  try {
    const inside = publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature);
    return inside.length === data.length && timingSafeEqual(inside, data);
  } catch {
    return false;
  }
}

import { constants, createSign, createVerify, sign, verify } from 'node:crypto';
import type { KeyObject, SignKeyObjectInput } from 'node:crypto';
import { KeysError } from '../../errors.ts';
import { CKM } from '../pkcs11.ts';
import { failing, parameterError } from './failing.ts';
import { SIGNATURE_HASHES } from './hash.ts';
import type { Mechanism, MechanismParameter } from './mechanism.ts';

/**
 * Signatures over a message: ECDSA and RSA with their hash, EdDSA (RFC 8032), ML-DSA (FIPS 204).
 * Those over a digest that is there already stand in `raw.ts`.
 */

type Scheme = 'ecdsa' | 'pkcs1' | 'pss' | 'eddsa' | 'ml-dsa';

interface SignatureInfo {
  readonly scheme: Scheme;
  /** CKM number of the hash; `undefined` where the scheme hashes by itself. */
  readonly hash: number | undefined;
}

const SIGNATURES: ReadonlyMap<number, SignatureInfo> = new Map<number, SignatureInfo>([
  [CKM.SHA224_RSA_PKCS, { scheme: 'pkcs1', hash: CKM.SHA224 }],
  [CKM.SHA256_RSA_PKCS, { scheme: 'pkcs1', hash: CKM.SHA256 }],
  [CKM.SHA384_RSA_PKCS, { scheme: 'pkcs1', hash: CKM.SHA384 }],
  [CKM.SHA512_RSA_PKCS, { scheme: 'pkcs1', hash: CKM.SHA512 }],
  [CKM.SHA224_RSA_PKCS_PSS, { scheme: 'pss', hash: CKM.SHA224 }],
  [CKM.SHA256_RSA_PKCS_PSS, { scheme: 'pss', hash: CKM.SHA256 }],
  [CKM.SHA384_RSA_PKCS_PSS, { scheme: 'pss', hash: CKM.SHA384 }],
  [CKM.SHA512_RSA_PKCS_PSS, { scheme: 'pss', hash: CKM.SHA512 }],
  [CKM.ECDSA_SHA224, { scheme: 'ecdsa', hash: CKM.SHA224 }],
  [CKM.ECDSA_SHA256, { scheme: 'ecdsa', hash: CKM.SHA256 }],
  [CKM.ECDSA_SHA384, { scheme: 'ecdsa', hash: CKM.SHA384 }],
  [CKM.ECDSA_SHA512, { scheme: 'ecdsa', hash: CKM.SHA512 }],
  [CKM.EDDSA, { scheme: 'eddsa', hash: undefined }],
  [CKM.ML_DSA, { scheme: 'ml-dsa', hash: undefined }],
]);

/** Salts of PSS are no longer than the longest digest. */
export const MAX_SALT = 64;
/** FIPS 204, 5.2, and RFC 8032, 5.2. */
const MAX_CONTEXT = 255;

function infoOf(type: number): SignatureInfo {
  const info = SIGNATURES.get(type);
  if (info !== undefined) return info;
  throw new KeysError('MECHANISM_INVALID', 'no such mechanism for signatures');
}

/** What `node:crypto` is told besides the data. */
function inputOf(mechanism: Mechanism, info: SignatureInfo, key: KeyObject): SignKeyObjectInput {
  const { parameter } = mechanism;
  switch (info.scheme) {
    case 'ecdsa':
      checkNone(parameter);
      // PKCS#11 v3.1, 6.3.1: r and s behind each other, each of the order's length.
      return { key, dsaEncoding: 'ieee-p1363' };
    case 'pkcs1':
      checkNone(parameter);
      return { key, padding: constants.RSA_PKCS1_PADDING };
    case 'pss':
      return pssInput(parameter, info.hash, key);
    case 'eddsa':
      return eddsaInput(parameter, key);
    case 'ml-dsa':
      return mlDsaInput(parameter, key);
  }
}

function checkNone(parameter: MechanismParameter): void {
  if (parameter.kind !== 'none') throw parameterError('kind');
}

function pssInput(
  parameter: MechanismParameter,
  hash: number | undefined,
  key: KeyObject,
): SignKeyObjectInput {
  if (parameter.kind !== 'pss') throw parameterError('kind');
  const { saltLength } = parameter;
  if (parameter.hash !== hash) throw parameterError('hash');
  if (SIGNATURE_HASHES.get(hash)?.mgf !== parameter.mgf) throw parameterError('mask generation');
  checkSalt(saltLength);
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
}

/** Negative lengths would mean something else to OpenSSL. */
export function checkSalt(length: number): void {
  if (!Number.isInteger(length) || length < 0 || length > MAX_SALT) {
    throw parameterError('salt length');
  }
}

/** CK_EDDSA_PARAMS (v3.1, 6.3.16); none means no context and no prehash. */
function eddsaInput(parameter: MechanismParameter, key: KeyObject): SignKeyObjectInput {
  if (parameter.kind === 'none') return { key };
  if (parameter.kind !== 'eddsa') throw parameterError('kind');
  if (parameter.prehash) throw parameterError('choice: prehashing is not offered');
  const { context } = parameter;
  // Ed25519 with a parameter is Ed25519ctx, whose context is not empty (RFC 8032, 8.3).
  const least = key.asymmetricKeyType === 'ed25519' ? 1 : 0;
  if (context.length < least || context.length > MAX_CONTEXT) throw parameterError('context');
  return context.length === 0 ? { key } : { key, context };
}

/** CK_SIGN_ADDITIONAL_CONTEXT (v3.2); signatures are always hedged (FIPS 204, 3.4). */
function mlDsaInput(parameter: MechanismParameter, key: KeyObject): SignKeyObjectInput {
  if (parameter.kind === 'none') return { key };
  if (parameter.kind !== 'mldsa') throw parameterError('kind');
  const { context } = parameter;
  if (context.length > MAX_CONTEXT) throw parameterError('context');
  return context.length === 0 ? { key } : { key, context };
}

/** @throws {KeysError} MECHANISM_PARAM_INVALID when the parameter does not fit mechanism and key */
export function checkSignature(mechanism: Mechanism, key: KeyObject): void {
  inputOf(mechanism, infoOf(mechanism.type), key);
}

function hashName(info: SignatureInfo): string | null {
  return info.hash === undefined ? null : (SIGNATURE_HASHES.get(info.hash)?.name ?? null);
}

/** @throws {KeysError} MECHANISM_INVALID, MECHANISM_PARAM_INVALID, DATA_INVALID */
export function signMessage(mechanism: Mechanism, key: KeyObject, data: Uint8Array): Uint8Array {
  const info = infoOf(mechanism.type);
  const input = inputOf(mechanism, info, key);
  return failing('DATA_INVALID', 'these data cannot be signed', () =>
    sign(hashName(info), data, input),
  );
}

/**
 * Schemes whose signature takes so long that another thread may as well make it. ECDSA and EdDSA
 * are done before another thread is awake.
 */
const LONG: ReadonlySet<Scheme> = new Set(['pkcs1', 'pss', 'ml-dsa']);

/** Whether `signElsewhere` takes this mechanism. */
export function isLong(type: number): boolean {
  const info = SIGNATURES.get(type);
  return info !== undefined && LONG.has(info.scheme);
}

/**
 * `signMessage` on another thread, which holds the key itself: it may be destroyed meanwhile.
 * @param data copied before this returns
 * @throws {KeysError} like `signMessage`, what the parameter is to blame for at once
 */
export function signElsewhere(
  mechanism: Mechanism,
  key: KeyObject,
  data: Uint8Array,
): Promise<Uint8Array> {
  const info = infoOf(mechanism.type);
  const input = inputOf(mechanism, info, key);
  return new Promise((resolve, reject) => {
    sign(hashName(info), new Uint8Array(data), input, (error, signature) => {
      if (error === null) resolve(signature);
      else reject(new KeysError('DATA_INVALID', 'these data cannot be signed'));
    });
  });
}

/** @throws {KeysError} MECHANISM_INVALID, MECHANISM_PARAM_INVALID, SIGNATURE_INVALID */
export function verifyMessage(
  mechanism: Mechanism,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  const info = infoOf(mechanism.type);
  const input = inputOf(mechanism, info, key);
  return failing('SIGNATURE_INVALID', 'the signature is malformed', () =>
    verify(hashName(info), data, input, signature),
  );
}

/** A message to sign that comes in parts, hashed as it comes. */
export interface RunningSignature {
  update(part: Uint8Array): void;
  finish(): Uint8Array;
}

/** A signed message that comes in parts. */
export interface RunningVerification {
  update(part: Uint8Array): void;
  finish(signature: Uint8Array): boolean;
}

/**
 * Begins a signature over a message in parts.
 * @returns `undefined` where the scheme reads its message twice: it must be there as a whole
 * @throws {KeysError} MECHANISM_INVALID, MECHANISM_PARAM_INVALID
 */
export function startSigning(mechanism: Mechanism, key: KeyObject): RunningSignature | undefined {
  const info = infoOf(mechanism.type);
  const input = inputOf(mechanism, info, key);
  const hash = hashName(info);
  if (hash === null) return undefined;
  const running = createSign(hash);
  return {
    update: (part) => void running.update(part),
    finish: () => failing('DATA_INVALID', 'these data cannot be signed', () => running.sign(input)),
  };
}

/** The same for a verification. */
export function startVerifying(
  mechanism: Mechanism,
  key: KeyObject,
): RunningVerification | undefined {
  const info = infoOf(mechanism.type);
  const input = inputOf(mechanism, info, key);
  const hash = hashName(info);
  if (hash === null) return undefined;
  const running = createVerify(hash);
  return {
    update: (part) => void running.update(part),
    finish: (signature) =>
      failing('SIGNATURE_INVALID', 'the signature is malformed', () =>
        running.verify(input, signature),
      ),
  };
}

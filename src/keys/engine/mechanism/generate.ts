import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair as generate,
  randomBytes,
  createSecretKey,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KeysError } from '../../errors.ts';
import { CKM, CKP } from '../pkcs11.ts';
import type { Mechanism } from './mechanism.ts';

/** What C_GenerateKeyPair is told of size, curve or parameter set. */
export interface PairParameters {
  readonly modulusBits?: number;
  readonly publicExponent?: Uint8Array;
  /** CKA_EC_PARAMS: DER of the curve's object identifier. */
  readonly curve?: Uint8Array;
  readonly parameterSet?: number;
}

/** Curves by the DER of their object identifier. */
export const CURVES: ReadonlyMap<string, string> = new Map([
  ['06082a8648ce3d030107', 'prime256v1'],
  ['06052b81040022', 'secp384r1'],
  ['06052b81040023', 'secp521r1'],
  ['06052b8104000a', 'secp256k1'],
]);

export const EDWARDS: ReadonlyMap<string, 'ed25519' | 'ed448'> = new Map([
  ['06032b6570', 'ed25519'],
  ['06032b6571', 'ed448'],
]);

export const MONTGOMERY: ReadonlyMap<string, 'x25519' | 'x448'> = new Map([
  ['06032b656e', 'x25519'],
  ['06032b656f', 'x448'],
]);

const ML_DSA = new Map([
  [CKP.ML_DSA_44, 'ml-dsa-44'],
  [CKP.ML_DSA_65, 'ml-dsa-65'],
  [CKP.ML_DSA_87, 'ml-dsa-87'],
] as const);

const ML_KEM = new Map([
  [CKP.ML_KEM_512, 'ml-kem-512'],
  [CKP.ML_KEM_768, 'ml-kem-768'],
  [CKP.ML_KEM_1024, 'ml-kem-1024'],
] as const);

type Pair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

/** A fresh secret key. @throws {KeysError} KEY_SIZE_RANGE is the caller's to check */
export function generateKey(
  _mechanism: Mechanism,
  options: { readonly lengthBytes: number },
): Promise<KeyObject> {
  const bytes = randomBytes(options.lengthBytes);
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return Promise.resolve(key);
}

/**
 * A fresh key pair, made off the event loop.
 * @throws {KeysError} KEY_SIZE_RANGE, ATTRIBUTE_VALUE_INVALID, TEMPLATE_INCOMPLETE
 */
export async function generateKeyPair(
  mechanism: Mechanism,
  options: PairParameters,
): Promise<Pair> {
  const oid = options.curve?.toHex() ?? '';
  switch (mechanism.type) {
    case CKM.RSA_PKCS_KEY_PAIR_GEN:
      return await rsaPair(options);
    case CKM.EC_KEY_PAIR_GEN: {
      const namedCurve = wanted(CURVES.get(oid));
      return await pairOf('ec', { namedCurve });
    }
    case CKM.EC_EDWARDS_KEY_PAIR_GEN:
      return await pairOf(wanted(EDWARDS.get(oid)));
    case CKM.EC_MONTGOMERY_KEY_PAIR_GEN:
      return await pairOf(wanted(MONTGOMERY.get(oid)));
    case CKM.ML_DSA_KEY_PAIR_GEN:
      return await pairOf(wanted(ML_DSA.get(options.parameterSet as 1)));
    case CKM.ML_KEM_KEY_PAIR_GEN:
      return await pairOf(wanted(ML_KEM.get(options.parameterSet as 1)));
    default:
      throw new KeysError('MECHANISM_INVALID', 'no such mechanism for a key pair');
  }
}

function wanted<Value>(value: Value | undefined): Value {
  if (value !== undefined) return value;
  throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'this curve or parameter set is not offered');
}

async function rsaPair(options: PairParameters): Promise<Pair> {
  const { modulusBits, publicExponent } = options;
  if (modulusBits === undefined) {
    throw new KeysError('TEMPLATE_INCOMPLETE', 'an RSA key needs CKA_MODULUS_BITS');
  }
  if (modulusBits < 2048 || modulusBits > 4096 || modulusBits % 256 !== 0) {
    throw new KeysError('KEY_SIZE_RANGE', 'an RSA key has 2048 to 4096 bits, a multiple of 256');
  }
  const exponent = Number.parseInt(publicExponent?.toHex() ?? '010001', 16);
  if (exponent !== 65_537) {
    throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'the public exponent is 65537');
  }
  return await pairOf('rsa', { modulusLength: modulusBits, publicExponent: exponent });
}

/** DER out of OpenSSL's generator and into key objects, so that one call serves every type. */
function pairOf(type: string, options: object = {}): Promise<Pair> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, publicKey: KeyObject, privateKey: KeyObject): void => {
      if (error === null) resolve({ publicKey, privateKey });
      else
        reject(new KeysError('DEVICE_ERROR', 'the key could not be generated', { cause: error }));
    };
    Reflect.apply(generate, undefined, [type, options, done]);
  });
}

/** Key objects of DER, for material that comes from the store. */
export function privateFromDer(der: Uint8Array): KeyObject {
  return createPrivateKey({
    key: Buffer.from(der.buffer, der.byteOffset, der.length),
    format: 'der',
    type: 'pkcs8',
  });
}

export function publicFromDer(der: Uint8Array): KeyObject {
  return createPublicKey({
    key: Buffer.from(der.buffer, der.byteOffset, der.length),
    format: 'der',
    type: 'spki',
  });
}

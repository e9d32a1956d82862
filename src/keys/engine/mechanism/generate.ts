import { createSecretKey, generateKeyPair as generate, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KeysError } from '../../errors.ts';
import { CKK, CKM } from '../pkcs11.ts';
import type { Curve } from './curve.ts';
import { curveOf } from './curve.ts';
import { latticeOf } from './lattice.ts';
import type { Mechanism } from './mechanism.ts';

/** What C_GenerateKeyPair is told of size, curve or parameter set. */
export interface PairParameters {
  readonly modulusBits?: number;
  readonly publicExponent?: Uint8Array;
  /** CKA_EC_PARAMS: DER of the curve's object identifier. */
  readonly curve?: Uint8Array;
  readonly parameterSet?: number;
}

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
  checkParameter(mechanism);
  switch (mechanism.type) {
    case CKM.RSA_PKCS_KEY_PAIR_GEN:
      return await rsaPair(options);
    case CKM.EC_KEY_PAIR_GEN:
      return await pairOf('ec', { namedCurve: curveIn('weierstrass', options).name });
    case CKM.EC_EDWARDS_KEY_PAIR_GEN:
      return await pairOf(curveIn('edwards', options).name);
    case CKM.EC_MONTGOMERY_KEY_PAIR_GEN:
      return await pairOf(curveIn('montgomery', options).name);
    case CKM.ML_DSA_KEY_PAIR_GEN:
      return await latticePair(CKK.ML_DSA, options);
    case CKM.ML_KEM_KEY_PAIR_GEN:
      return await latticePair(CKK.ML_KEM, options);
    default:
      throw new KeysError('MECHANISM_INVALID', 'no such mechanism for a key pair');
  }
}

/** @throws {KeysError} MECHANISM_PARAM_INVALID: nothing that makes keys takes a parameter */
export function checkParameter(mechanism: Mechanism): void {
  if (mechanism.parameter.kind === 'none') return;
  throw new KeysError('MECHANISM_PARAM_INVALID', 'key generation takes no parameter');
}

function curveIn(family: Curve['family'], options: PairParameters): Curve {
  if (options.curve === undefined) {
    throw new KeysError('TEMPLATE_INCOMPLETE', 'the template needs CKA_EC_PARAMS');
  }
  const curve = curveOf(options.curve);
  if (curve.family === family) return curve;
  throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'the mechanism makes keys on other curves');
}

async function latticePair(keyType: number, options: PairParameters): Promise<Pair> {
  if (options.parameterSet === undefined) {
    throw new KeysError('TEMPLATE_INCOMPLETE', 'the template needs CKA_PARAMETER_SET');
  }
  const set = latticeOf(keyType, options.parameterSet);
  if (set !== undefined) return await pairOf(set.name);
  throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'this parameter set is not offered');
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

/** One call for every type of key; OpenSSL's generator works off the event loop. */
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

import type { KeyObject } from 'node:crypto';
import { KeysError } from '../../errors.ts';
import type { AttributeValue, Template } from '../attribute.ts';
import { bytesOf } from '../object.ts';
import { CKA, CKK } from '../pkcs11.ts';
import { pointAttribute, publicKeyFromComponents } from './components.ts';
import { CURVES, EDWARDS, MONTGOMERY, privateFromDer, publicFromDer } from './generate.ts';

const OID_OF: ReadonlyMap<string, string> = new Map(
  [...CURVES, ...EDWARDS, ...MONTGOMERY].map(([oid, name]) => [name, oid]),
);

const PARAMETER_SETS: ReadonlyMap<string, number> = new Map([
  ['ml-dsa-44', 1],
  ['ml-dsa-65', 2],
  ['ml-dsa-87', 3],
  ['ml-kem-512', 1],
  ['ml-kem-768', 2],
  ['ml-kem-1024', 3],
]);

/** CKA_KEY_TYPE of a private or public key. @throws {KeysError} for a type that is not kept here */
export function keyTypeOf(key: KeyObject): number {
  const type = key.asymmetricKeyType ?? '';
  if (type === 'rsa') return CKK.RSA;
  if (type === 'ec') return CKK.EC;
  if (type === 'ed25519' || type === 'ed448') return CKK.EC_EDWARDS;
  if (type === 'x25519' || type === 'x448') return CKK.EC_MONTGOMERY;
  if (type.startsWith('ml-dsa')) return CKK.ML_DSA;
  if (type.startsWith('ml-kem')) return CKK.ML_KEM;
  throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'keys of this type are not kept here');
}

/**
 * The public attributes of a public key: size, curve or parameter set, and CKA_PUBLIC_KEY_INFO
 * (DER SubjectPublicKeyInfo).
 */
export function publicAttributes(key: KeyObject): Template {
  const spki: Uint8Array = key.export({ format: 'der', type: 'spki' });
  const attributes = new Map<number, AttributeValue>([[CKA.PUBLIC_KEY_INFO, new Uint8Array(spki)]]);
  const type = key.asymmetricKeyType ?? '';
  if (type === 'rsa') {
    const { n, e } = key.export({ format: 'jwk' });
    attributes.set(CKA.MODULUS, Uint8Array.fromBase64(n ?? '', { alphabet: 'base64url' }));
    attributes.set(CKA.PUBLIC_EXPONENT, Uint8Array.fromBase64(e ?? '', { alphabet: 'base64url' }));
    attributes.set(CKA.MODULUS_BITS, key.asymmetricKeyDetails?.modulusLength ?? 0);
  }
  const curve = OID_OF.get(type === 'ec' ? (key.asymmetricKeyDetails?.namedCurve ?? '') : type);
  if (curve !== undefined) {
    const parameters = Uint8Array.fromHex(curve);
    attributes.set(CKA.EC_PARAMS, parameters);
    attributes.set(CKA.EC_POINT, pointAttribute(spki, parameters));
  }
  const parameterSet = PARAMETER_SETS.get(type);
  if (parameterSet !== undefined) attributes.set(CKA.PARAMETER_SET, parameterSet);
  return attributes;
}

/**
 * A private key from PKCS#8 (RFC 5958), the form in which keys are wrapped. The caller wipes the
 * bytes.
 * @throws {KeysError} WRAPPED_KEY_INVALID, KEY_SIZE_RANGE
 */
export function privateKeyFromDer(der: Uint8Array): KeyObject {
  let key: KeyObject;
  try {
    key = privateFromDer(der);
  } catch {
    throw new KeysError('WRAPPED_KEY_INVALID', 'these bytes are no PKCS#8 private key');
  }
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && (bits < 2048 || bits > 4096)) {
    throw new KeysError('KEY_SIZE_RANGE', 'an RSA key has 2048 to 4096 bits');
  }
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve !== undefined && !OID_OF.has(curve)) {
    throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'keys on this curve are not kept here');
  }
  keyTypeOf(key);
  return key;
}

/**
 * A public key from CKA_PUBLIC_KEY_INFO, or from its components.
 * @throws {KeysError} TEMPLATE_INCOMPLETE, ATTRIBUTE_VALUE_INVALID
 */
export function publicKeyFromAttributes(template: Template): KeyObject {
  const info = bytesOf(template, CKA.PUBLIC_KEY_INFO);
  try {
    const key =
      info === undefined || info.length === 0
        ? publicKeyFromComponents(template)
        : publicFromDer(info);
    keyTypeOf(key);
    return key;
  } catch (error) {
    if (error instanceof KeysError) throw error;
    throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'these bytes are no public key kept here');
  }
}

/** The form in which a private key is sealed or wrapped: PKCS#8, to be wiped by the caller. */
export function encodePrivate(key: KeyObject): Uint8Array {
  return key.export({ format: 'der', type: 'pkcs8' });
}

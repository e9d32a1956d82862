import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KeysError } from '../../errors.ts';
import type { AttributeValue, Template } from '../attribute.ts';
import { bytesOf } from '../object.ts';
import { CKA, CKK } from '../pkcs11.ts';
import {
  pointAttribute,
  privateKeyFromComponents,
  privateKeyFromValue,
  publicKeyFromComponents,
  publicKeyFromPoint,
} from './components.ts';
import { curveNamed } from './curve.ts';
import type { Curve } from './curve.ts';
import { latticeNamed } from './lattice.ts';

/** CKA_KEY_TYPE of a private or public key. @throws {KeysError} for a type that is not kept here */
export function keyTypeOf(key: KeyObject): number {
  const type = key.asymmetricKeyType ?? '';
  if (type === 'rsa') return CKK.RSA;
  if (type === 'ec') return CKK.EC;
  const lattice = latticeNamed(type);
  if (lattice !== undefined) return lattice.keyType;
  const family = curveNamed(type)?.family;
  if (family === 'edwards') return CKK.EC_EDWARDS;
  if (family === 'montgomery') return CKK.EC_MONTGOMERY;
  throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'keys of this type are not kept here');
}

/** The curve that a key lies on, or `undefined`. */
export function curveOfKey(key: KeyObject): Curve | undefined {
  const type = key.asymmetricKeyType;
  return curveNamed(type === 'ec' ? key.asymmetricKeyDetails?.namedCurve : type);
}

/**
 * The public attributes of a public key: size, curve or parameter set, its value in the form that
 * PKCS#11 gives it, and CKA_PUBLIC_KEY_INFO (DER SubjectPublicKeyInfo).
 */
export function publicAttributes(key: KeyObject): Template {
  const spki = new Uint8Array(key.export({ format: 'der', type: 'spki' }));
  const attributes = new Map<number, AttributeValue>([[CKA.PUBLIC_KEY_INFO, spki]]);
  if (key.asymmetricKeyType === 'rsa') {
    const { n, e } = key.export({ format: 'jwk' });
    attributes.set(CKA.MODULUS, Uint8Array.fromBase64(n ?? '', { alphabet: 'base64url' }));
    attributes.set(CKA.PUBLIC_EXPONENT, Uint8Array.fromBase64(e ?? '', { alphabet: 'base64url' }));
    attributes.set(CKA.MODULUS_BITS, key.asymmetricKeyDetails?.modulusLength ?? 0);
  }
  const curve = curveOfKey(key);
  if (curve !== undefined) {
    attributes.set(CKA.EC_PARAMS, curve.parameters);
    attributes.set(CKA.EC_POINT, pointAttribute(spki, curve));
  }
  const lattice = latticeNamed(key.asymmetricKeyType);
  if (lattice !== undefined) {
    attributes.set(CKA.PARAMETER_SET, lattice.parameterSet);
    attributes.set(CKA.VALUE, spki.slice(spki.length - lattice.publicKey));
  }
  return attributes;
}

/** @throws {KeysError} KEY_SIZE_RANGE, ATTRIBUTE_VALUE_INVALID */
function checkKind(key: KeyObject): void {
  keyTypeOf(key);
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec' && curveOfKey(key) === undefined) {
    throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'keys on this curve are not kept here');
  }
  if (modulusLength === undefined) return;
  if (modulusLength < 2048 || modulusLength > 4096) {
    throw new KeysError('KEY_SIZE_RANGE', 'an RSA key has 2048 to 4096 bits');
  }
  if (publicExponent === undefined || publicExponent < 3n || publicExponent % 2n === 0n) {
    throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'the public exponent is odd and not below 3');
  }
}

/**
 * What OpenSSL does not look at when it takes a private key: kind and size; the range of a value on
 * a curve, whose public half is computed anew; whether the halves of an RSA key fit each other.
 * @throws {KeysError} KEY_SIZE_RANGE, ATTRIBUTE_VALUE_INVALID
 */
function checkedPrivate(key: KeyObject): KeyObject {
  checkKind(key);
  if (key.asymmetricKeyType === 'rsa') {
    checkPair(key);
    return key;
  }
  const curve = curveOfKey(key);
  if (curve?.family !== 'weierstrass') return key;
  const value = key.export({ format: 'raw-private' });
  try {
    const anew = privateKeyFromValue(curve, value);
    if (createPublicKey(anew).equals(createPublicKey(key))) return anew;
  } finally {
    value.fill(0);
  }
  throw new KeysError(
    'ATTRIBUTE_VALUE_INVALID',
    'the public and the private values of this key do not belong together',
  );
}

/** A signature with one half, verified with the other. */
function checkPair(key: KeyObject): void {
  const data = Uint8Array.of(0x73);
  let fits = false;
  try {
    fits = verify('sha256', data, createPublicKey(key), sign('sha256', data, key));
  } catch {
    // Numbers that fit nothing fail inside OpenSSL.
  }
  if (fits) return;
  throw new KeysError(
    'ATTRIBUTE_VALUE_INVALID',
    'the public and the private values of this key do not belong together',
  );
}

/** A private key as the store gives it: nothing but its encoding is looked at. */
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

/**
 * A private key from PKCS#8 (RFC 5958), the form in which keys are wrapped. The caller wipes the
 * bytes.
 * @throws {KeysError} WRAPPED_KEY_INVALID, KEY_SIZE_RANGE, ATTRIBUTE_VALUE_INVALID
 */
export function privateKeyFromDer(der: Uint8Array): KeyObject {
  let key: KeyObject;
  try {
    key = privateFromDer(der);
  } catch {
    throw new KeysError('WRAPPED_KEY_INVALID', 'these bytes are no PKCS#8 private key');
  }
  return checkedPrivate(key);
}

/**
 * A private key from its components, or from the PKCS#8 in CKA_VALUE.
 * @throws {KeysError} TEMPLATE_INCOMPLETE, ATTRIBUTE_VALUE_INVALID, KEY_SIZE_RANGE
 */
export function privateKeyFromAttributes(template: Template): KeyObject {
  const key = privateKeyFromComponents(template);
  if (key !== undefined) {
    // One made from its value alone has been looked at, and has no other half yet.
    if (key.asymmetricKeyType !== 'rsa') return key;
    return checkedPrivate(key);
  }
  const der = bytesOf(template, CKA.VALUE);
  if (der !== undefined) return privateKeyFromDer(der);
  throw new KeysError(
    'TEMPLATE_INCOMPLETE',
    'a private key needs its components, or its PKCS#8 form in CKA_VALUE',
  );
}

/**
 * A public key from CKA_PUBLIC_KEY_INFO, or from its components.
 * @throws {KeysError} TEMPLATE_INCOMPLETE, ATTRIBUTE_VALUE_INVALID, KEY_SIZE_RANGE
 */
export function publicKeyFromAttributes(template: Template): KeyObject {
  const info = bytesOf(template, CKA.PUBLIC_KEY_INFO);
  try {
    const key =
      info === undefined || info.length === 0
        ? publicKeyFromComponents(template)
        : publicFromDer(info);
    checkKind(key);
    if (info !== undefined && key.asymmetricKeyType === 'ec') checkEncoding(key, info);
    return key;
  } catch (error) {
    if (error instanceof KeysError) throw error;
    throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'these bytes are no public key kept here');
  }
}

/** The curve by its name and an uncompressed point, to the letter: keys are compared by their bytes. */
function checkEncoding(key: KeyObject, info: Uint8Array): void {
  const curve = curveOfKey(key);
  if (curve !== undefined && publicKeyFromPoint(curve, info).equals(key)) return;
  throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'these bytes are no public key kept here');
}

/** The form in which a private key is sealed or wrapped: PKCS#8, to be wiped by the caller. */
export function encodePrivate(key: KeyObject): Uint8Array {
  return key.export({ format: 'der', type: 'pkcs8' });
}

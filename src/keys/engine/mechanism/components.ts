import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { equalBytes } from '../../../bytes/compare.ts';
import { concat } from '../../../bytes/text.ts';
import { KeysError } from '../../errors.ts';
import type { Template } from '../attribute.ts';
import { bytesOf, numberOf } from '../object.ts';
import { CKA, CKK } from '../pkcs11.ts';
import type { Curve } from './curve.ts';
import { curveOf } from './curve.ts';
import type { Der } from './der.ts';
import { bits, encodeDer, integer, octets, sequence, tagged } from './der.ts';
import type { Lattice } from './lattice.ts';
import { latticeOf } from './lattice.ts';

/**
 * Keys from the components that PKCS#11 names (v3.1, 6.1 and 6.3; v3.2 for ML-DSA and ML-KEM):
 * moduli, exponents, points, seeds. What is private is copied once, into bytes that are wiped, and
 * never into a string.
 */

/** AlgorithmIdentifier of rsaEncryption, and the object identifier of id-ecPublicKey. */
const RSA_ALGORITHM = Uint8Array.fromHex('300d06092a864886f70d0101010500');
const EC_ALGORITHM = Uint8Array.fromHex('06072a8648ce3d0201');

const VERSION = Uint8Array.of(0x02, 1, 0);
/** The seed inside the private key of RFC 9881 and RFC 9935. */
const SEED_TAG = 0x80;
const MAX_COMPONENT = 8192;

function component(template: Template, type: number): Uint8Array {
  const value = bytesOf(template, type);
  if (value === undefined || value.length === 0 || value.length > MAX_COMPONENT) {
    throw new KeysError('TEMPLATE_INCOMPLETE', `attribute 0x${type.toString(16)} is missing`);
  }
  return value;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function spki(der: Uint8Array): KeyObject {
  return createPublicKey({ key: asBuffer(der), format: 'der', type: 'spki' });
}

const heads = new Map<Curve, Uint8Array>();

/** The DER of SubjectPublicKeyInfo as far as the public value, which stands last in it. */
function infoHead(curve: Curve): Uint8Array {
  const known = heads.get(curve);
  if (known !== undefined) return known;
  const algorithm =
    curve.family === 'weierstrass'
      ? sequence(EC_ALGORITHM, curve.parameters)
      : sequence(curve.parameters);
  const whole = encodeDer(sequence(algorithm, bits(new Uint8Array(curve.publicLength))));
  const head = whole.slice(0, whole.length - curve.publicLength);
  heads.set(curve, head);
  return head;
}

/** CKA_EC_POINT: the public value, which ends a SubjectPublicKeyInfo, in an OCTET STRING. */
export function pointAttribute(info: Uint8Array, curve: Curve): Uint8Array {
  return encodeDer(octets(info.subarray(info.length - curve.publicLength)));
}

/**
 * A point as programs send it: bare, in an OCTET STRING, or as SubjectPublicKeyInfo of the same
 * named curve. Exactly these encodings: no compressed points, no curve by its parameters.
 */
function barePoint(curve: Curve, value: Uint8Array): Uint8Array {
  const head = value.length - curve.publicLength;
  if (head >= 0) {
    const point = value.subarray(head);
    const form = curve.family !== 'weierstrass' || point[0] === 0x04;
    const before = value.subarray(0, head);
    const known =
      head === 0 ||
      equalBytes(before, infoHead(curve)) ||
      equalBytes(value, encodeDer(octets(point)));
    if (form && known) return point;
  }
  throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'these bytes are no point on the curve');
}

/**
 * A public key on a curve, from its point in one of three encodings.
 * @throws {KeysError} ATTRIBUTE_VALUE_INVALID; OpenSSL's own error when the point is not on the curve
 */
export function publicKeyFromPoint(curve: Curve, value: Uint8Array): KeyObject {
  const point = barePoint(curve, value);
  return spki(concat(infoHead(curve), point));
}

function latticeSet(template: Template): Lattice {
  const parameterSet = numberOf(template, CKA.PARAMETER_SET);
  if (parameterSet === undefined) {
    throw new KeysError('TEMPLATE_INCOMPLETE', 'the template needs CKA_PARAMETER_SET');
  }
  const set = latticeOf(numberOf(template, CKA.KEY_TYPE), parameterSet);
  if (set !== undefined) return set;
  throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'this parameter set is not offered');
}

function isLattice(keyType: number | undefined): boolean {
  return keyType === CKK.ML_DSA || keyType === CKK.ML_KEM;
}

/** @throws {KeysError} ATTRIBUTE_VALUE_INVALID */
function ofLength(value: Uint8Array, length: number): Uint8Array {
  if (value.length === length) return value;
  throw new KeysError('ATTRIBUTE_VALUE_INVALID', `this value has ${length} bytes`);
}

/**
 * A public key from CKA_MODULUS and CKA_PUBLIC_EXPONENT, CKA_EC_PARAMS and CKA_EC_POINT, or
 * CKA_PARAMETER_SET and CKA_VALUE.
 * @throws {KeysError} TEMPLATE_INCOMPLETE, ATTRIBUTE_VALUE_INVALID; OpenSSL's own error
 */
export function publicKeyFromComponents(template: Template): KeyObject {
  const keyType = numberOf(template, CKA.KEY_TYPE);
  if (keyType === CKK.RSA) {
    const numbers = [CKA.MODULUS, CKA.PUBLIC_EXPONENT].map((type) =>
      integer(component(template, type)),
    );
    return spki(encodeDer(sequence(RSA_ALGORITHM, bits(sequence(...numbers)))));
  }
  if (isLattice(keyType)) {
    const set = latticeSet(template);
    const value = ofLength(component(template, CKA.VALUE), set.publicKey);
    return spki(encodeDer(sequence(sequence(set.oid), bits(value))));
  }
  const curve = curveOf(component(template, CKA.EC_PARAMS));
  return publicKeyFromPoint(curve, component(template, CKA.EC_POINT));
}

const RSA_PARTS = [
  CKA.MODULUS,
  CKA.PUBLIC_EXPONENT,
  CKA.PRIVATE_EXPONENT,
  CKA.PRIME_1,
  CKA.PRIME_2,
  CKA.EXPONENT_1,
  CKA.EXPONENT_2,
  CKA.COEFFICIENT,
] as const;

/** A key from PKCS#8 (RFC 5958) that is wiped. */
function fromPkcs8(algorithm: Der, privateKey: Der): KeyObject {
  const der = encodeDer(sequence(VERSION, algorithm, octets(privateKey)));
  try {
    return createPrivateKey({ key: asBuffer(der), format: 'der', type: 'pkcs8' });
  } catch {
    throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'the components are of no private key');
  } finally {
    der.fill(0);
  }
}

/** CKA_SEED, CKA_VALUE (the expanded key), or both, which OpenSSL then compares. */
function latticePrivate(template: Template): KeyObject {
  const set = latticeSet(template);
  const seed = bytesOf(template, CKA.SEED);
  const expanded = bytesOf(template, CKA.VALUE);
  if (seed === undefined) {
    const value = ofLength(component(template, CKA.VALUE), set.expanded);
    return fromPkcs8(sequence(set.oid), octets(value));
  }
  ofLength(seed, set.seed);
  if (expanded === undefined || expanded.length === 0) {
    return fromPkcs8(sequence(set.oid), tagged(SEED_TAG, seed));
  }
  const both = sequence(octets(seed), octets(ofLength(expanded, set.expanded)));
  return fromPkcs8(sequence(set.oid), both);
}

/** A private value on a curve: a number that may come without its leading zeros, or with one more. */
export function privateKeyFromValue(curve: Curve, value: Uint8Array): KeyObject {
  const { family, size } = curve;
  const excess = value.length - size;
  if (family === 'weierstrass' ? excess > 1 || (excess === 1 && value[0] !== 0) : excess !== 0) {
    throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'the private value is of another curve');
  }
  const raw = new Uint8Array(size);
  raw.set(excess === 1 ? value.subarray(1) : value, Math.max(0, -excess));
  try {
    checkRange(curve, raw);
    const key = asBuffer(raw);
    const format = 'raw-private';
    return curve.family === 'weierstrass'
      ? createPrivateKey({ key, format, asymmetricKeyType: 'ec', namedCurve: curve.name })
      : createPrivateKey({ key, format, asymmetricKeyType: curve.name });
  } finally {
    raw.fill(0);
  }
}

/** OpenSSL takes any number; a private value is one to the order less one (SEC 1, 3.2.1). */
function checkRange({ order }: Curve, value: Uint8Array): void {
  if (order === undefined) return;
  // The difference is taken over all bytes whatever they are: no early end tells about the value.
  let borrow = 0;
  let any = 0;
  for (let index = order.length - 1; index >= 0; index--) {
    const byte = value[index] as number;
    borrow = ((byte - (order[index] as number) - borrow) >> 31) & 1;
    any |= byte;
  }
  if (borrow === 1 && any !== 0) return;
  throw new KeysError(
    'ATTRIBUTE_VALUE_INVALID',
    'the private value is outside the range of its curve',
  );
}

/**
 * A private key whose template has components.
 * @returns `undefined` when the template names no type that has components
 * @throws {KeysError} TEMPLATE_INCOMPLETE, ATTRIBUTE_VALUE_INVALID
 */
export function privateKeyFromComponents(template: Template): KeyObject | undefined {
  const keyType = numberOf(template, CKA.KEY_TYPE);
  if (keyType === CKK.RSA && template.has(CKA.PRIVATE_EXPONENT)) {
    // RFC 8017, A.1.2.
    const numbers = RSA_PARTS.map((type) => integer(component(template, type)));
    return fromPkcs8(RSA_ALGORITHM, sequence(VERSION, ...numbers));
  }
  if (isLattice(keyType) && template.has(CKA.PARAMETER_SET)) return latticePrivate(template);
  const parameters = bytesOf(template, CKA.EC_PARAMS);
  if (parameters === undefined) return undefined;
  return privateKeyFromValue(curveOf(parameters), component(template, CKA.VALUE));
}

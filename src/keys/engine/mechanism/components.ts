import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { concat } from '../../../bytes/text.ts';
import { KeysError } from '../../errors.ts';
import type { Template } from '../attribute.ts';
import { bytesOf } from '../object.ts';
import { CKA, CKK } from '../pkcs11.ts';

/**
 * Keys from the components that PKCS#11 names (v3.1, 6.1 and 6.3): moduli, exponents, points. What
 * is private goes into DER bytes, which are wiped, never into strings.
 */

/** Tags of X.690, 8. */
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const SEQUENCE = 0x30;

/** Algorithm identifiers up to their parameter. */
const RSA_ALGORITHM = Uint8Array.fromHex('06092a864886f70d0101010500');
const EC_ALGORITHM = Uint8Array.fromHex('06072a8648ce3d0201');

/** Bytes of a coordinate or of a private scalar by the DER of the curve's object identifier. */
const COORDINATE: ReadonlyMap<string, number> = new Map([
  ['06082a8648ce3d030107', 32],
  ['06052b8104000a', 32],
  ['06052b81040022', 48],
  ['06052b81040023', 66],
]);

/** Bytes of a public key that is one number (RFC 8032, RFC 7748). */
const NUMBER: ReadonlyMap<string, number> = new Map([
  ['06032b6570', 32],
  ['06032b6571', 57],
  ['06032b656e', 32],
  ['06032b656f', 56],
]);

function tlv(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return concat(Uint8Array.from(head), ...parts);
}

/** An unsigned number as INTEGER. */
function integer(value: Uint8Array): Uint8Array {
  let start = 0;
  while (start < value.length - 1 && value[start] === 0) start++;
  const trimmed = value.subarray(start);
  const sign = (trimmed[0] ?? 0) >= 0x80 || trimmed.length === 0 ? [0] : [];
  return tlv(INTEGER, Uint8Array.from(sign), trimmed);
}

function component(template: Template, type: number): Uint8Array {
  const value = bytesOf(template, type);
  if (value === undefined || value.length === 0 || value.length > 1024) {
    throw new KeysError('TEMPLATE_INCOMPLETE', `attribute 0x${type.toString(16)} is missing`);
  }
  return value;
}

function spki(der: Uint8Array): KeyObject {
  return createPublicKey({
    key: Buffer.from(der.buffer, der.byteOffset, der.length),
    format: 'der',
    type: 'spki',
  });
}

function bitString(value: Uint8Array): Uint8Array {
  return tlv(BIT_STRING, Uint8Array.of(0), value);
}

/**
 * The public value of a curve's key in SubjectPublicKeyInfo, without what stands in front of it.
 * @param curve DER of the curve's object identifier
 */
export function pointOf(info: Uint8Array, curve: Uint8Array): Uint8Array {
  const name = curve.toHex();
  const coordinate = COORDINATE.get(name);
  const length = coordinate === undefined ? (NUMBER.get(name) ?? 0) : 1 + 2 * coordinate;
  return info.slice(info.length - length);
}

/** CKA_EC_POINT: the public value in an OCTET STRING. */
export function pointAttribute(info: Uint8Array, curve: Uint8Array): Uint8Array {
  return tlv(OCTET_STRING, pointOf(info, curve));
}

/** A point as programs send it: bare, or in an OCTET STRING (short or long form of the length). */
function barePoint(value: Uint8Array, length: number): Uint8Array {
  if (value.length === length) return value;
  const head = value.length - length;
  const wrapped = (head === 2 || head === 3) && value[0] === OCTET_STRING;
  if (!wrapped || value[head - 1] !== length) {
    throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'the point is of another curve');
  }
  return value.subarray(head);
}

/**
 * A public key on a curve.
 * @throws {KeysError} ATTRIBUTE_VALUE_INVALID; OpenSSL's own error when the point is on no curve
 */
export function publicKeyFromPoint(curve: Uint8Array, value: Uint8Array): KeyObject {
  const name = curve.toHex();
  const coordinate = COORDINATE.get(name);
  if (coordinate !== undefined) {
    const point = barePoint(value, 1 + 2 * coordinate);
    return spki(tlv(SEQUENCE, tlv(SEQUENCE, EC_ALGORITHM, curve), bitString(point)));
  }
  const length = NUMBER.get(name);
  if (length === undefined) {
    throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'keys on this curve are not kept here');
  }
  return spki(tlv(SEQUENCE, tlv(SEQUENCE, curve), bitString(barePoint(value, length))));
}

/** A public key from CKA_MODULUS and CKA_PUBLIC_EXPONENT, or CKA_EC_PARAMS and CKA_EC_POINT. */
export function publicKeyFromComponents(template: Template): KeyObject {
  if (template.get(CKA.KEY_TYPE) !== CKK.RSA) {
    return publicKeyFromPoint(
      component(template, CKA.EC_PARAMS),
      component(template, CKA.EC_POINT),
    );
  }
  const numbers = [CKA.MODULUS, CKA.PUBLIC_EXPONENT].map((type) =>
    integer(component(template, type)),
  );
  return spki(tlv(SEQUENCE, tlv(SEQUENCE, RSA_ALGORITHM), bitString(tlv(SEQUENCE, ...numbers))));
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

const ZERO = Uint8Array.of(INTEGER, 1, 0);

/**
 * PKCS#8 (RFC 5958) of a private key whose template has components instead; the caller wipes it.
 * @returns `undefined` when the template names no type that has components
 * @throws {KeysError} TEMPLATE_INCOMPLETE, ATTRIBUTE_VALUE_INVALID
 */
export function privateDerFromComponents(template: Template): Uint8Array | undefined {
  const keyType = template.get(CKA.KEY_TYPE);
  if (keyType === CKK.RSA) {
    // RFC 8017, A.1.2.
    const numbers = RSA_PARTS.map((type) => integer(component(template, type)));
    const inside = tlv(OCTET_STRING, tlv(SEQUENCE, ZERO, ...numbers));
    return tlv(SEQUENCE, ZERO, tlv(SEQUENCE, RSA_ALGORITHM), inside);
  }
  const curve = bytesOf(template, CKA.EC_PARAMS);
  if (curve === undefined) return undefined;
  const value = component(template, CKA.VALUE);
  const coordinate = COORDINATE.get(curve.toHex());
  if (coordinate === undefined) {
    // RFC 8410, 7.
    return tlv(SEQUENCE, ZERO, tlv(SEQUENCE, curve), tlv(OCTET_STRING, tlv(OCTET_STRING, value)));
  }
  if (value.length > coordinate) {
    throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'the private value is of another curve');
  }
  // RFC 5915, 3: the private value has the length of the order; OpenSSL computes the public one.
  const scalar = new Uint8Array(coordinate);
  scalar.set(value, coordinate - value.length);
  const inside = tlv(SEQUENCE, Uint8Array.of(INTEGER, 1, 1), tlv(OCTET_STRING, scalar));
  return tlv(SEQUENCE, ZERO, tlv(SEQUENCE, EC_ALGORITHM, curve), tlv(OCTET_STRING, inside));
}

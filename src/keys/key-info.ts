import type { AttributeReading, Template } from './engine/attribute.ts';
import { CKA, CKK, CKO } from './engine/pkcs11.ts';
import { PURPOSES } from './engine/purpose.ts';
import type { Purpose } from './engine/purpose.ts';
import type { ObjectId } from './engine/request.ts';
import { KEY_TYPES } from './key-type.ts';

/** A key as people see it: one name, one or two halves. */
export interface KeyInfo {
  readonly name: string;
  readonly type: string;
  readonly purpose: Purpose;
  readonly privateKey: ObjectId | undefined;
  readonly publicKey: ObjectId | undefined;
  readonly secretKey: ObjectId | undefined;
  readonly extractable: boolean;
  readonly neverExtractable: boolean;
  readonly local: boolean;
  readonly confirm: boolean;
  /** CKA_ID in hexadecimal. */
  readonly id: string;
  /** DER SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) of a key pair. */
  readonly publicKeyInfo: Uint8Array | undefined;
}

/** One object with what of it may be read. */
export interface DescribedObject {
  readonly object: ObjectId;
  readonly attributes: Template;
}

/** The readable attributes of a reading. */
export function readable(readings: readonly AttributeReading[]): Template {
  return new Map(
    readings.flatMap((reading) => ('value' in reading ? [[reading.type, reading.value]] : [])),
  );
}

/** Objects that share name and CKA_ID as one key each, ordered by name. */
export function keysOf(described: readonly DescribedObject[]): KeyInfo[] {
  const groups = new Map<string, DescribedObject[]>();
  for (const each of described) {
    const key = `${textOf(each.attributes, CKA.LABEL)}\0${hexOf(each.attributes, CKA.ID)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [each]);
    else group.push(each);
  }
  return [...groups.values()]
    .map((halves) => infoOf(halves))
    .filter((info) => info !== undefined)
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** The objects of a key, the private half first: what is left of a destruction cut off cannot sign. */
export function halvesOf(key: KeyInfo): ObjectId[] {
  return [key.privateKey, key.publicKey, key.secretKey].filter((object) => object !== undefined);
}

function textOf(attributes: Template, type: number): string {
  const value = attributes.get(type);
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : '';
}

function hexOf(attributes: Template, type: number): string {
  const value = attributes.get(type);
  return value instanceof Uint8Array ? value.toHex() : '';
}

/** The name that `KEY_TYPES` gives a key with these attributes. */
function typeNameOf(attributes: Template): string {
  const keyType = attributes.get(CKA.KEY_TYPE);
  if (keyType === CKK.RSA) {
    const modulus = attributes.get(CKA.MODULUS);
    const bits = modulus instanceof Uint8Array ? modulus.length * 8 : 0;
    return `rsa-${bits}`;
  }
  const sameType = KEY_TYPES.filter((type) => type.keyType === keyType);
  const found = sameType.find((type) =>
    type.parameters.every(([name, wanted]) => {
      const value = attributes.get(name);
      if (value instanceof Uint8Array && wanted instanceof Uint8Array) {
        return value.toHex() === wanted.toHex();
      }
      return value === wanted;
    }),
  );
  // An HMAC key that came from outside may have another length than the ones made here.
  const any = keyType === CKK.AES ? undefined : sameType.find((type) => !type.pair);
  return found?.name ?? any?.name ?? `type-0x${Number(keyType).toString(16)}`;
}

function infoOf(halves: readonly DescribedObject[]): KeyInfo | undefined {
  const of = (objectClass: number): DescribedObject | undefined =>
    halves.find((each) => each.attributes.get(CKA.CLASS) === objectClass);
  const privateKey = of(CKO.PRIVATE_KEY);
  const publicKey = of(CKO.PUBLIC_KEY);
  const secretKey = of(CKO.SECRET_KEY);
  const main = privateKey ?? secretKey ?? publicKey;
  if (main === undefined) return undefined;
  const { attributes } = main;
  const info = (publicKey ?? main).attributes.get(CKA.PUBLIC_KEY_INFO);
  const purpose = textOf(attributes, CKA.STRONGROOM_PURPOSE);
  return {
    name: textOf(attributes, CKA.LABEL),
    type: typeNameOf(publicKey?.attributes ?? attributes),
    purpose: PURPOSES.find((each) => each === purpose) ?? 'store',
    privateKey: privateKey?.object,
    publicKey: publicKey?.object,
    secretKey: secretKey?.object,
    extractable: attributes.get(CKA.EXTRACTABLE) === true,
    neverExtractable: attributes.get(CKA.NEVER_EXTRACTABLE) === true,
    local: attributes.get(CKA.LOCAL) === true,
    confirm: attributes.get(CKA.STRONGROOM_CONFIRM) === true,
    id: hexOf(attributes, CKA.ID),
    publicKeyInfo: info instanceof Uint8Array && info.length > 0 ? info : undefined,
  };
}

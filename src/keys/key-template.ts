import { randomBytes } from 'node:crypto';
import { utf8 } from '../bytes/text.ts';
import type { AttributeValue, Template } from './engine/attribute.ts';
import { CKA, CKO } from './engine/pkcs11.ts';
import type { Purpose } from './engine/purpose.ts';
import { KeysError } from './errors.ts';
import { KEY_TYPES } from './key-type.ts';
import type { KeyType } from './key-type.ts';

/** What a new key shall be, beside its value. */
export interface ImportOptions {
  readonly purpose?: Purpose;
  readonly extractable?: boolean;
  readonly confirm?: boolean;
}

/** What a new key shall be. */
export interface KeyOptions extends ImportOptions {
  readonly type: string;
}

/**
 * A key on its way in: a private key as PKCS#8 DER or as type and components, or the bytes of a
 * secret key of a type.
 */
export type KeyMaterial =
  | { readonly kind: 'private'; readonly pkcs8: Uint8Array }
  | {
      readonly kind: 'components';
      readonly template: Template;
      /** Whether this public half (DER SubjectPublicKeyInfo) is the one that came with the key. */
      readonly fits: (publicKeyInfo: Uint8Array) => boolean;
    }
  | { readonly kind: 'secret'; readonly type: string; readonly value: Uint8Array };

/** @throws {KeysError} when there is no such type */
export function keyTypeNamed(name: string): KeyType {
  const type = KEY_TYPES.find((each) => each.name === name);
  if (type !== undefined) return type;
  throw new KeysError('ARGUMENTS_BAD', `there is no key type \`${name}\``, {
    duty: 'usage',
    mend: `one of: ${KEY_TYPES.map((each) => each.name).join(', ')}`,
  });
}

/** What every half of a new stored key has; one CKA_ID ties them together. */
export function commonTemplate(name: string, purpose: Purpose | undefined): Template {
  return new Map<number, AttributeValue>([
    [CKA.TOKEN, true],
    [CKA.LABEL, utf8(name)],
    [CKA.ID, randomBytes(8)],
    ...(purpose === undefined ? [] : [[CKA.STRONGROOM_PURPOSE, utf8(purpose)] as const]),
  ]);
}

/** What the private or secret half has beside it. */
export function secretTemplate(options: ImportOptions): Template {
  return new Map<number, AttributeValue>([
    [CKA.PRIVATE, true],
    [CKA.EXTRACTABLE, options.extractable === true],
    [CKA.STRONGROOM_CONFIRM, options.confirm === true],
  ]);
}

/** Class, type and value of a key on its way in. @throws {KeysError} when its type is unknown */
export function materialTemplate(material: KeyMaterial): Template {
  switch (material.kind) {
    case 'private':
      return new Map<number, AttributeValue>([
        [CKA.CLASS, CKO.PRIVATE_KEY],
        [CKA.VALUE, material.pkcs8],
      ]);
    case 'components':
      return new Map([...material.template, [CKA.CLASS, CKO.PRIVATE_KEY]]);
    case 'secret':
      return new Map([...secretClass(material.type), [CKA.VALUE, material.value]]);
  }
}

/** Class and type of a secret key. @throws {KeysError} when the type is none of a secret key */
export function secretClass(name: string): Template {
  const type = keyTypeNamed(name);
  if (type.pair) throw new KeysError('ARGUMENTS_BAD', `${name} is no type of a secret key`);
  return new Map([
    [CKA.CLASS, CKO.SECRET_KEY],
    [CKA.KEY_TYPE, type.keyType],
  ]);
}

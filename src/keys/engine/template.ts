import { KeysError } from '../errors.ts';
import type { AttributeValue, Template } from './attribute.ts';
import { bytesOf, numberOf } from './object.ts';
import { CKA, CKC, CKK, CKO } from './pkcs11.ts';
import type { Purpose } from './purpose.ts';
import { allowedMechanisms, halfOf, isUsage, usageAttributes } from './usage.ts';
import type { Half } from './usage.ts';

/** Limits on what a caller may put into an object. */
const MAX_VALUE = 256 * 1024;
const MAX_TEXT = 4096;
const MAX_ATTRIBUTES = 128;

const BOOLEANS: ReadonlySet<number> = new Set([
  CKA.TOKEN,
  CKA.PRIVATE,
  CKA.TRUSTED,
  CKA.SENSITIVE,
  CKA.ENCRYPT,
  CKA.DECRYPT,
  CKA.WRAP,
  CKA.UNWRAP,
  CKA.SIGN,
  CKA.SIGN_RECOVER,
  CKA.VERIFY,
  CKA.VERIFY_RECOVER,
  CKA.DERIVE,
  CKA.EXTRACTABLE,
  CKA.LOCAL,
  CKA.NEVER_EXTRACTABLE,
  CKA.ALWAYS_SENSITIVE,
  CKA.MODIFIABLE,
  CKA.COPYABLE,
  CKA.DESTROYABLE,
  CKA.ALWAYS_AUTHENTICATE,
  CKA.WRAP_WITH_TRUSTED,
  CKA.ENCAPSULATE,
  CKA.DECAPSULATE,
  CKA.STRONGROOM_CONFIRM,
]);

const NUMBERS: ReadonlySet<number> = new Set([
  CKA.CLASS,
  CKA.KEY_TYPE,
  CKA.CERTIFICATE_TYPE,
  CKA.CERTIFICATE_CATEGORY,
  CKA.JAVA_MIDP_SECURITY_DOMAIN,
  CKA.KEY_GEN_MECHANISM,
  CKA.MODULUS_BITS,
  CKA.PRIME_BITS,
  CKA.VALUE_LEN,
  CKA.PARAMETER_SET,
]);

/** Attributes that the token alone sets. */
const SET_BY_TOKEN: ReadonlySet<number> = new Set([
  CKA.LOCAL,
  CKA.ALWAYS_SENSITIVE,
  CKA.NEVER_EXTRACTABLE,
  CKA.KEY_GEN_MECHANISM,
]);

/**
 * What would bind a key's use further and is not kept here: left out in silence, a caller would rely
 * on it.
 */
const NOT_KEPT: ReadonlySet<number> = new Set([
  CKA.WRAP_TEMPLATE,
  CKA.UNWRAP_TEMPLATE,
  CKA.DERIVE_TEMPLATE,
  CKA.ENCAPSULATE_TEMPLATE,
  CKA.DECAPSULATE_TEMPLATE,
]);

/** What C_SetAttributeValue may change; `EXTRACTABLE` only to false. */
const MODIFIABLE: ReadonlySet<number> = new Set([
  CKA.LABEL,
  CKA.ID,
  CKA.SUBJECT,
  CKA.ISSUER,
  CKA.SERIAL_NUMBER,
  CKA.START_DATE,
  CKA.END_DATE,
  CKA.EXTRACTABLE,
  CKA.SENSITIVE,
  CKA.WRAP_WITH_TRUSTED,
  CKA.STRONGROOM_CONFIRM,
]);

/** What a copy may have otherwise than its original (v3.1, table 12). */
const CHANGED_BY_COPY: ReadonlySet<number> = new Set([
  CKA.TOKEN,
  CKA.PRIVATE,
  CKA.MODIFIABLE,
  CKA.DESTROYABLE,
]);

/**
 * Checks the form of a template: known types of value, sizes, nothing that only the token may set.
 * @throws {KeysError} ATTRIBUTE_VALUE_INVALID, ATTRIBUTE_READ_ONLY, ATTRIBUTE_TYPE_INVALID,
 *   TEMPLATE_INCONSISTENT
 */
export function checkTemplate(template: Template): void {
  if (template.size > MAX_ATTRIBUTES) {
    throw new KeysError('TEMPLATE_INCONSISTENT', `more than ${MAX_ATTRIBUTES} attributes`);
  }
  for (const [type, value] of template) {
    if (NOT_KEPT.has(type)) {
      throw new KeysError('ATTRIBUTE_TYPE_INVALID', `attribute ${hex(type)} is not kept here`);
    }
    if (type === CKA.ALWAYS_AUTHENTICATE && value === true) {
      throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'a PIN before every use is not offered', {
        mend: 'make the key with CKA_STRONGROOM_CONFIRM: a person is then asked before every use',
      });
    }
    if (SET_BY_TOKEN.has(type)) {
      throw new KeysError(
        'ATTRIBUTE_READ_ONLY',
        `attribute ${hex(type)} is set by the token alone`,
      );
    }
    if (!fits(type, value)) {
      throw new KeysError('ATTRIBUTE_VALUE_INVALID', `attribute ${hex(type)} has a wrong value`);
    }
  }
}

function fits(type: number, value: AttributeValue): boolean {
  if (BOOLEANS.has(type)) return typeof value === 'boolean';
  if (NUMBERS.has(type)) return typeof value === 'number' && Number.isSafeInteger(value);
  if (value instanceof Uint8Array) {
    return value.length <= (type === CKA.VALUE ? MAX_VALUE : MAX_TEXT);
  }
  return typeof value === 'object';
}

function hex(type: number): string {
  return `0x${type.toString(16)}`;
}

/** Attributes of storage that every object has. */
function storage(template: Template, privateByDefault: boolean): [number, AttributeValue][] {
  const flag = (type: number, usual: boolean): [number, AttributeValue] => [
    type,
    (template.get(type) as boolean | undefined) ?? usual,
  ];
  return [
    flag(CKA.TOKEN, false),
    flag(CKA.PRIVATE, privateByDefault),
    flag(CKA.MODIFIABLE, true),
    flag(CKA.COPYABLE, true),
    flag(CKA.DESTROYABLE, true),
    [CKA.LABEL, bytesOf(template, CKA.LABEL) ?? new Uint8Array()],
  ];
}

/** How a key came to be. */
export interface Origin {
  /** The generation mechanism, or `undefined` for an import, an unwrapping or a derivation. */
  readonly generatedBy: number | undefined;
  /** Attributes of the key that it was derived from. */
  readonly derivedFrom?: Template;
}

/**
 * All attributes of a new key, from the caller's template, its type and purpose, and the public
 * components. Stricter than the template where safety asks for it: a private or secret key is
 * always sensitive, and its value never stands here.
 */
export function keyAttributes(
  half: Half,
  keyType: number,
  purpose: Purpose,
  template: Template,
  components: Template,
  origin: Origin,
): Template {
  const local = origin.generatedBy !== undefined;
  const attributes = new Map<number, AttributeValue>([
    [CKA.CLASS, classOf(half)],
    [CKA.KEY_TYPE, keyType],
    ...storage(template, half !== 'publicKey'),
    [CKA.ID, bytesOf(template, CKA.ID) ?? new Uint8Array()],
    [CKA.START_DATE, bytesOf(template, CKA.START_DATE) ?? new Uint8Array()],
    [CKA.END_DATE, bytesOf(template, CKA.END_DATE) ?? new Uint8Array()],
    [CKA.LOCAL, local],
    [CKA.KEY_GEN_MECHANISM, origin.generatedBy ?? -1],
    [CKA.ALLOWED_MECHANISMS, allowedMechanisms(keyType, purpose, template)],
    [CKA.STRONGROOM_PURPOSE, new TextEncoder().encode(purpose)],
    ...usageAttributes(half, purpose, template),
    ...components,
  ]);
  if (half === 'publicKey') {
    attributes.set(CKA.SUBJECT, bytesOf(template, CKA.SUBJECT) ?? new Uint8Array());
    attributes.set(CKA.TRUSTED, false);
    return attributes;
  }
  const extractable = template.get(CKA.EXTRACTABLE) === true;
  attributes.set(CKA.SENSITIVE, true);
  attributes.set(CKA.EXTRACTABLE, extractable);
  // A derived key is what its base is, as far as its own template goes (v3.1, 6.3.20).
  const inherits = (type: number): boolean => origin.derivedFrom?.get(type) === true;
  attributes.set(CKA.ALWAYS_SENSITIVE, local || inherits(CKA.ALWAYS_SENSITIVE));
  attributes.set(CKA.NEVER_EXTRACTABLE, !extractable && (local || inherits(CKA.NEVER_EXTRACTABLE)));
  attributes.set(CKA.WRAP_WITH_TRUSTED, template.get(CKA.WRAP_WITH_TRUSTED) === true);
  attributes.set(CKA.STRONGROOM_CONFIRM, template.get(CKA.STRONGROOM_CONFIRM) === true);
  if (half === 'privateKey') {
    attributes.set(CKA.SUBJECT, bytesOf(template, CKA.SUBJECT) ?? new Uint8Array());
    attributes.set(CKA.ALWAYS_AUTHENTICATE, false);
  } else {
    attributes.set(CKA.TRUSTED, false);
  }
  return attributes;
}

function classOf(half: Half): number {
  if (half === 'privateKey') return CKO.PRIVATE_KEY;
  return half === 'publicKey' ? CKO.PUBLIC_KEY : CKO.SECRET_KEY;
}

/**
 * Attributes of an object that is no key: a certificate or data.
 * @throws {KeysError} TEMPLATE_INCOMPLETE, ATTRIBUTE_VALUE_INVALID
 */
export function plainAttributes(template: Template): Template {
  const objectClass = numberOf(template, CKA.CLASS);
  const attributes = new Map<number, AttributeValue>(template);
  if (objectClass === CKO.CERTIFICATE) {
    const type = numberOf(template, CKA.CERTIFICATE_TYPE);
    if (type === undefined) {
      throw new KeysError('TEMPLATE_INCOMPLETE', 'a certificate needs CKA_CERTIFICATE_TYPE');
    }
    if (type === CKC.X_509 && (bytesOf(template, CKA.VALUE)?.length ?? 0) === 0) {
      throw new KeysError('TEMPLATE_INCOMPLETE', 'an X.509 certificate needs CKA_VALUE');
    }
    for (const text of [CKA.ID, CKA.SUBJECT, CKA.ISSUER, CKA.SERIAL_NUMBER]) {
      if (!attributes.has(text)) attributes.set(text, new Uint8Array());
    }
    if (!attributes.has(CKA.CERTIFICATE_CATEGORY)) attributes.set(CKA.CERTIFICATE_CATEGORY, 0);
    attributes.set(CKA.TRUSTED, false);
  } else if (objectClass === CKO.DATA) {
    for (const text of [CKA.APPLICATION, CKA.OBJECT_ID, CKA.VALUE]) {
      if (!attributes.has(text)) attributes.set(text, new Uint8Array());
    }
  } else {
    throw new KeysError('ATTRIBUTE_VALUE_INVALID', 'objects of this class are not kept here');
  }
  for (const [type, value] of storage(template, false)) attributes.set(type, value);
  return attributes;
}

/**
 * What C_SetAttributeValue and C_CopyObject may change.
 * @throws {KeysError} ATTRIBUTE_READ_ONLY
 */
export function checkChange(current: Template, changes: Template, copying: boolean): void {
  checkTemplate(changes);
  const objectClass = numberOf(current, CKA.CLASS) ?? -1;
  const isKey = halfOf(objectClass) !== undefined;
  for (const [type, value] of changes) {
    if (current.get(type) === value) continue;
    if (loosens(type, value) || !mayChange(type, isKey, copying)) {
      throw new KeysError('ATTRIBUTE_READ_ONLY', `attribute ${hex(type)} cannot be changed so`);
    }
  }
}

/** Protection is added, never taken away. */
function loosens(type: number, value: AttributeValue): boolean {
  return (
    (type === CKA.EXTRACTABLE && value === true) ||
    (type === CKA.SENSITIVE && value === false) ||
    (type === CKA.WRAP_WITH_TRUSTED && value === false) ||
    (type === CKA.STRONGROOM_CONFIRM && value === false) ||
    (type === CKA.PRIVATE && value === false)
  );
}

function mayChange(type: number, isKey: boolean, copying: boolean): boolean {
  if (CHANGED_BY_COPY.has(type)) return copying;
  if (isKey) return MODIFIABLE.has(type) && !isUsage(type);
  return type !== CKA.CLASS && type !== CKA.CERTIFICATE_TYPE && type !== CKA.TRUSTED;
}

/** Attributes whose values are secret: never read, whatever the object says. */
export const SECRET_ATTRIBUTES: ReadonlySet<number> = new Set([
  CKA.PRIVATE_EXPONENT,
  CKA.PRIME_1,
  CKA.PRIME_2,
  CKA.EXPONENT_1,
  CKA.EXPONENT_2,
  CKA.COEFFICIENT,
  CKA.SEED,
]);

/** Whether `type` of an object of this class and key type is a secret value. */
export function isSecret(attributes: Template, type: number): boolean {
  const objectClass = numberOf(attributes, CKA.CLASS);
  if (objectClass !== CKO.PRIVATE_KEY && objectClass !== CKO.SECRET_KEY) return false;
  if (type === CKA.VALUE) return true;
  if (objectClass !== CKO.PRIVATE_KEY) return false;
  const rsa = numberOf(attributes, CKA.KEY_TYPE) === CKK.RSA;
  return SECRET_ATTRIBUTES.has(type) && (rsa || type === CKA.SEED);
}

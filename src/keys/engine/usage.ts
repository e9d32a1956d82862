import { KeysError } from '../errors.ts';
import type { AttributeValue, Template } from './attribute.ts';
import type { Operation } from './mechanism/mechanism.ts';
import { mechanisms } from './mechanism/table.ts';
import { CKA, CKK, CKO } from './pkcs11.ts';
import { PURPOSES } from './purpose.ts';
import type { Purpose } from './purpose.ts';

/** What each half of a key may do for a purpose, as PKCS#11 usage attributes. */
const USAGE: Readonly<
  Record<
    Purpose,
    { privateKey: readonly number[]; publicKey: readonly number[]; secret: readonly number[] }
  >
> = {
  sign: { privateKey: [CKA.SIGN], publicKey: [CKA.VERIFY], secret: [] },
  mac: { privateKey: [], publicKey: [], secret: [CKA.SIGN, CKA.VERIFY] },
  encrypt: {
    privateKey: [CKA.DECRYPT],
    publicKey: [CKA.ENCRYPT],
    secret: [CKA.ENCRYPT, CKA.DECRYPT],
  },
  wrap: { privateKey: [CKA.UNWRAP], publicKey: [CKA.WRAP], secret: [CKA.WRAP, CKA.UNWRAP] },
  derive: { privateKey: [CKA.DERIVE], publicKey: [CKA.DERIVE], secret: [CKA.DERIVE] },
  kem: { privateKey: [CKA.DECAPSULATE], publicKey: [CKA.ENCAPSULATE], secret: [] },
  store: { privateKey: [], publicKey: [], secret: [] },
};

const ALL_USAGES: ReadonlySet<number> = new Set([
  CKA.SIGN,
  CKA.SIGN_RECOVER,
  CKA.VERIFY,
  CKA.VERIFY_RECOVER,
  CKA.ENCRYPT,
  CKA.DECRYPT,
  CKA.WRAP,
  CKA.UNWRAP,
  CKA.DERIVE,
  CKA.ENCAPSULATE,
  CKA.DECAPSULATE,
]);

/** The operations that belong to a purpose. */
const OPERATIONS: Readonly<Record<Purpose, readonly Operation[]>> = {
  sign: ['sign', 'verify'],
  mac: ['sign', 'verify'],
  encrypt: ['encrypt', 'decrypt'],
  wrap: ['wrap', 'unwrap'],
  derive: ['derive'],
  kem: ['encapsulate', 'decapsulate'],
  store: [],
};

/** Purposes that a type of key can serve, the usual one first. */
export function purposesOf(keyType: number): readonly Purpose[] {
  switch (keyType) {
    case CKK.RSA:
      return ['sign', 'encrypt', 'wrap', 'store'];
    case CKK.EC:
      return ['sign', 'derive', 'store'];
    case CKK.EC_EDWARDS:
    case CKK.ML_DSA:
      return ['sign', 'store'];
    case CKK.EC_MONTGOMERY:
      return ['derive', 'store'];
    case CKK.ML_KEM:
      return ['kem', 'store'];
    case CKK.AES:
      return ['encrypt', 'wrap', 'mac', 'derive', 'store'];
    case CKK.GENERIC_SECRET:
      return ['mac', 'derive', 'store'];
    case CKK.HKDF:
      return ['derive', 'store'];
    default:
      return HMAC_TYPES.has(keyType) ? ['mac', 'store'] : [];
  }
}

const HMAC_TYPES: ReadonlySet<number> = new Set([
  CKK.SHA224_HMAC,
  CKK.SHA256_HMAC,
  CKK.SHA384_HMAC,
  CKK.SHA512_HMAC,
  CKK.SHA512_224_HMAC,
  CKK.SHA512_256_HMAC,
  CKK.SHA3_224_HMAC,
  CKK.SHA3_256_HMAC,
  CKK.SHA3_384_HMAC,
  CKK.SHA3_512_HMAC,
]);

/** The class of key that a template is read for. */
export type Half = 'privateKey' | 'publicKey' | 'secret';

export function halfOf(objectClass: number): Half | undefined {
  if (objectClass === CKO.PRIVATE_KEY) return 'privateKey';
  if (objectClass === CKO.PUBLIC_KEY) return 'publicKey';
  return objectClass === CKO.SECRET_KEY ? 'secret' : undefined;
}

/**
 * The one purpose of a key about to be made. Programs often ask for every usage that the key type
 * has; a key serves one (SP 800-57 part 1, 5.2), so the request is narrowed: an explicit
 * CKA_STRONGROOM_PURPOSE decides, else the first purpose of the key type that the templates ask
 * for, else, where they ask for nothing, the usual one. What the object may do stands in its
 * attributes for the caller to read.
 * @throws {KeysError} TEMPLATE_INCONSISTENT when the key type cannot serve the purpose
 */
export function choosePurpose(keyType: number, halves: ReadonlyMap<Half, Template>): Purpose {
  const possible = purposesOf(keyType);
  for (const template of halves.values()) {
    const named = template.get(CKA.STRONGROOM_PURPOSE);
    if (named === undefined) continue;
    const purpose = PURPOSES.find(
      (each) => named instanceof Uint8Array && Buffer.from(named).toString('latin1') === each,
    );
    if (purpose !== undefined && possible.includes(purpose)) return purpose;
    throw new KeysError(
      'TEMPLATE_INCONSISTENT',
      `a key of this type can be made for ${possible.join(', ')} only`,
    );
  }
  let refused = 0;
  for (const purpose of possible) {
    for (const [half, template] of halves) {
      const usages = USAGE[purpose][half];
      if (usages.some((usage) => template.get(usage) === true)) return purpose;
    }
  }
  for (const purpose of possible) {
    if (purpose === 'store') continue;
    const denied = [...halves].some(([half, template]) =>
      USAGE[purpose][half].some((usage) => template.get(usage) === false),
    );
    if (!denied) return purpose;
    refused++;
  }
  if (refused > 0 || possible.includes('store')) return 'store';
  throw new KeysError('TEMPLATE_INCONSISTENT', 'no key of this type is kept here');
}

/**
 * The usage attributes of one half. A half of a pair of usages that the template denies by name
 * stays denied: a secret key may be made that only decrypts.
 */
export function usageAttributes(
  half: Half,
  purpose: Purpose,
  template: Template,
): [number, AttributeValue][] {
  const allowed = USAGE[purpose][half];
  return USAGES_OF_HALF[half].map((usage) => [
    usage,
    allowed.includes(usage) && template.get(usage) !== false,
  ]);
}

const USAGES_OF_HALF: Readonly<Record<Half, readonly number[]>> = {
  privateKey: [CKA.SIGN, CKA.SIGN_RECOVER, CKA.DECRYPT, CKA.UNWRAP, CKA.DERIVE, CKA.DECAPSULATE],
  publicKey: [CKA.VERIFY, CKA.VERIFY_RECOVER, CKA.ENCRYPT, CKA.WRAP, CKA.DERIVE, CKA.ENCAPSULATE],
  secret: [CKA.SIGN, CKA.VERIFY, CKA.ENCRYPT, CKA.DECRYPT, CKA.WRAP, CKA.UNWRAP, CKA.DERIVE],
};

/** Whether an attribute says what a key may do: templates may narrow it, never widen it later. */
export function isUsage(type: number): boolean {
  return ALL_USAGES.has(type);
}

/** The usage attribute that an operation needs on the half it works with. */
export function usageFor(operation: Operation): number | undefined {
  switch (operation) {
    case 'sign':
      return CKA.SIGN;
    case 'verify':
      return CKA.VERIFY;
    case 'encrypt':
      return CKA.ENCRYPT;
    case 'decrypt':
      return CKA.DECRYPT;
    case 'wrap':
      return CKA.WRAP;
    case 'unwrap':
      return CKA.UNWRAP;
    case 'derive':
      return CKA.DERIVE;
    case 'encapsulate':
      return CKA.ENCAPSULATE;
    case 'decapsulate':
      return CKA.DECAPSULATE;
    case 'digest':
    case 'generate':
    case 'generate-pair':
      return undefined;
  }
}

/** Every mechanism that a key of this type and purpose can be used with: CKA_ALLOWED_MECHANISMS. */
export function mechanismsFor(keyType: number, purpose: Purpose): readonly number[] {
  const operations = OPERATIONS[purpose];
  return [...mechanisms.values()]
    .filter(
      (info) =>
        info.keyTypes.includes(keyType) &&
        operations.some((operation) => info.operations.has(operation)),
    )
    .map((info) => info.type)
    .sort((a, b) => a - b);
}

/**
 * The list of mechanisms fixed when a key is made: what the template asks for, as far as the key's
 * type and purpose go.
 * @throws {KeysError} TEMPLATE_INCONSISTENT when nothing would be left
 */
export function allowedMechanisms(
  keyType: number,
  purpose: Purpose,
  template: Template,
): readonly number[] {
  const possible = mechanismsFor(keyType, purpose);
  const asked = template.get(CKA.ALLOWED_MECHANISMS);
  if (!Array.isArray(asked) || asked.length === 0) return possible;
  const kept = possible.filter((type) => asked.includes(type));
  if (kept.length === 0) {
    throw new KeysError(
      'TEMPLATE_INCONSISTENT',
      `none of the allowed mechanisms serves a key made for ${purpose}`,
    );
  }
  return kept;
}

import { createPublicKey, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KeysError } from '../errors.ts';
import type { AttributeValue, Template } from './attribute.ts';
import { privateDerFromComponents } from './mechanism/components.ts';
import { generateKey, generateKeyPair } from './mechanism/generate.ts';
import {
  keyTypeOf,
  privateKeyFromDer,
  publicAttributes,
  publicKeyFromAttributes,
} from './mechanism/key-material.ts';
import type { Mechanism } from './mechanism/mechanism.ts';
import { mechanisms } from './mechanism/table.ts';
import { bytesOf, numberOf } from './object.ts';
import type { TokenObject } from './object.ts';
import { CKA, CKK, CKM, CKO } from './pkcs11.ts';
import { keyAttributes, plainAttributes } from './template.ts';
import { choosePurpose, halfOf } from './usage.ts';

/** An object that has no id and no owner yet. */
export type NewObject = Omit<TokenObject, 'id' | 'scope'>;

/** Key types that a secret key generation mechanism makes. */
const SECRET_GENERATORS: ReadonlyMap<number, number> = new Map([
  [CKM.AES_KEY_GEN, CKK.AES],
  [CKM.GENERIC_SECRET_KEY_GEN, CKK.GENERIC_SECRET],
  [CKM.HKDF_KEY_GEN, CKK.HKDF],
]);

const PAIR_GENERATORS: ReadonlyMap<number, number> = new Map([
  [CKM.RSA_PKCS_KEY_PAIR_GEN, CKK.RSA],
  [CKM.EC_KEY_PAIR_GEN, CKK.EC],
  [CKM.EC_EDWARDS_KEY_PAIR_GEN, CKK.EC_EDWARDS],
  [CKM.EC_MONTGOMERY_KEY_PAIR_GEN, CKK.EC_MONTGOMERY],
  [CKM.ML_DSA_KEY_PAIR_GEN, CKK.ML_DSA],
  [CKM.ML_KEM_KEY_PAIR_GEN, CKK.ML_KEM],
]);

const SECRET_BYTES = { least: 14, most: 512 } as const;

/** The key type that a template may name must be the one of the mechanism. */
function checkKeyType(template: Template, keyType: number, objectClass: number): void {
  const named = numberOf(template, CKA.KEY_TYPE);
  if (named !== undefined && named !== keyType) {
    throw new KeysError('TEMPLATE_INCONSISTENT', 'the mechanism makes another type of key');
  }
  const namedClass = numberOf(template, CKA.CLASS);
  if (namedClass !== undefined && namedClass !== objectClass) {
    throw new KeysError('TEMPLATE_INCONSISTENT', 'the mechanism makes another class of object');
  }
}

function checkLength(keyType: number, length: number): void {
  const fits =
    keyType === CKK.AES
      ? length === 16 || length === 24 || length === 32
      : length >= SECRET_BYTES.least && length <= SECRET_BYTES.most;
  if (fits) return;
  throw new KeysError(
    'KEY_SIZE_RANGE',
    keyType === CKK.AES
      ? 'an AES key has 16, 24 or 32 bytes'
      : `a secret key has ${SECRET_BYTES.least} to ${SECRET_BYTES.most} bytes`,
  );
}

/**
 * C_GenerateKey.
 * @throws {KeysError} MECHANISM_INVALID, TEMPLATE_INCOMPLETE, TEMPLATE_INCONSISTENT, KEY_SIZE_RANGE
 */
export async function makeSecret(mechanism: Mechanism, template: Template): Promise<NewObject> {
  const fixed = SECRET_GENERATORS.get(mechanism.type);
  if (fixed === undefined || !mechanisms.has(mechanism.type)) {
    throw new KeysError('MECHANISM_INVALID', 'no such mechanism for a secret key');
  }
  // A generic secret may be made as the HMAC key of one hash.
  const named = numberOf(template, CKA.KEY_TYPE);
  const keyType = fixed === CKK.GENERIC_SECRET && named !== undefined ? named : fixed;
  checkKeyType(template, keyType, CKO.SECRET_KEY);
  const length = numberOf(template, CKA.VALUE_LEN);
  if (length === undefined) {
    throw new KeysError('TEMPLATE_INCOMPLETE', 'a secret key needs CKA_VALUE_LEN');
  }
  checkLength(keyType, length);
  const purpose = choosePurpose(keyType, new Map([['secret', template]]));
  const key = await generateKey(mechanism, { lengthBytes: length });
  const attributes = keyAttributes(
    'secret',
    keyType,
    purpose,
    template,
    new Map([[CKA.VALUE_LEN, length]]),
    { generatedBy: mechanism.type },
  );
  return { purpose, attributes, key };
}

/**
 * C_GenerateKeyPair.
 * @throws {KeysError} MECHANISM_INVALID, TEMPLATE_INCOMPLETE, TEMPLATE_INCONSISTENT, KEY_SIZE_RANGE
 */
export async function makePair(
  mechanism: Mechanism,
  publicTemplate: Template,
  privateTemplate: Template,
): Promise<{ publicKey: NewObject; privateKey: NewObject }> {
  const keyType = PAIR_GENERATORS.get(mechanism.type);
  if (keyType === undefined) {
    throw new KeysError('MECHANISM_INVALID', 'no such mechanism for a key pair');
  }
  checkKeyType(publicTemplate, keyType, CKO.PUBLIC_KEY);
  checkKeyType(privateTemplate, keyType, CKO.PRIVATE_KEY);
  const purpose = choosePurpose(
    keyType,
    new Map([
      ['privateKey', privateTemplate],
      ['publicKey', publicTemplate],
    ]),
  );
  const bits = numberOf(publicTemplate, CKA.MODULUS_BITS);
  const exponent = bytesOf(publicTemplate, CKA.PUBLIC_EXPONENT);
  const curve = bytesOf(publicTemplate, CKA.EC_PARAMS);
  const parameterSet = numberOf(publicTemplate, CKA.PARAMETER_SET);
  const pair = await generateKeyPair(mechanism, {
    ...(bits === undefined ? {} : { modulusBits: bits }),
    ...(exponent === undefined ? {} : { publicExponent: exponent }),
    ...(curve === undefined ? {} : { curve }),
    ...(parameterSet === undefined ? {} : { parameterSet }),
  });
  const components = publicAttributes(pair.publicKey);
  const origin = { generatedBy: mechanism.type };
  return {
    publicKey: {
      purpose,
      key: pair.publicKey,
      attributes: keyAttributes('publicKey', keyType, purpose, publicTemplate, components, origin),
    },
    privateKey: {
      purpose,
      key: pair.privateKey,
      attributes: keyAttributes(
        'privateKey',
        keyType,
        purpose,
        privateTemplate,
        privateComponents(components),
        origin,
      ),
    },
  };
}

/** Of the public components, those that PKCS#11 gives the private key too. */
function privateComponents(components: Template): Template {
  const kept: ReadonlySet<number> = new Set([
    CKA.MODULUS,
    CKA.PUBLIC_EXPONENT,
    CKA.EC_PARAMS,
    CKA.EC_POINT,
    CKA.PARAMETER_SET,
  ]);
  return new Map(
    [...components, ...infoOf(components)].filter(
      ([type]) => kept.has(type) || type === CKA.PUBLIC_KEY_INFO,
    ),
  );
}

function infoOf(components: Template): [number, AttributeValue][] {
  const info = components.get(CKA.PUBLIC_KEY_INFO);
  return info === undefined ? [] : [[CKA.PUBLIC_KEY_INFO, info]];
}

/**
 * C_CreateObject, and the objects that unwrapping, derivation and encapsulation make: `value` is
 * then the raw secret or the PKCS#8 bytes, which the caller wipes.
 * @throws {KeysError} TEMPLATE_INCOMPLETE, TEMPLATE_INCONSISTENT, ATTRIBUTE_VALUE_INVALID
 */
export function makeImported(template: Template, value?: Uint8Array): NewObject {
  const objectClass = numberOf(template, CKA.CLASS);
  if (objectClass === undefined) {
    throw new KeysError('TEMPLATE_INCOMPLETE', 'the template needs CKA_CLASS');
  }
  const half = halfOf(objectClass);
  if (half === undefined) {
    return { purpose: 'store', attributes: plainAttributes(template), key: undefined };
  }
  const named = numberOf(template, CKA.KEY_TYPE);
  const key = importKey(half, named, template, value);
  const keyType = half === 'secret' ? (named ?? CKK.GENERIC_SECRET) : keyTypeOf(key);
  if (named !== undefined && named !== keyType) {
    throw new KeysError('TEMPLATE_INCONSISTENT', 'the value is of another type of key');
  }
  const purpose = choosePurpose(keyType, new Map([[half, template]]));
  const components =
    half === 'secret'
      ? new Map([[CKA.VALUE_LEN, key.symmetricKeySize ?? 0]])
      : publicAttributes(half === 'privateKey' ? createPublicKey(key) : key);
  const shown = half === 'privateKey' ? privateComponents(components) : components;
  const attributes = keyAttributes(half, keyType, purpose, template, shown, {
    generatedBy: undefined,
  });
  return { purpose, attributes, key };
}

function importKey(
  half: 'privateKey' | 'publicKey' | 'secret',
  keyType: number | undefined,
  template: Template,
  value: Uint8Array | undefined,
): KeyObject {
  if (half === 'publicKey') return publicKeyFromAttributes(template);
  if (half === 'privateKey') {
    const components = value === undefined ? privateDerFromComponents(template) : undefined;
    try {
      const der = value ?? components ?? bytesOf(template, CKA.VALUE);
      if (der !== undefined) return privateKeyFromDer(der);
    } finally {
      components?.fill(0);
    }
    throw new KeysError(
      'TEMPLATE_INCOMPLETE',
      'a private key needs its components, or its PKCS#8 form in CKA_VALUE',
    );
  }
  const secret = value ?? bytesOf(template, CKA.VALUE);
  if (secret === undefined || secret.length === 0) {
    throw new KeysError('TEMPLATE_INCOMPLETE', 'a secret key needs CKA_VALUE');
  }
  checkLength(keyType ?? CKK.GENERIC_SECRET, secret.length);
  return createSecretKey(secret);
}

import type { AttributeValue } from './engine/attribute.ts';
import type { Mechanism, MechanismParameter } from './engine/mechanism/mechanism.ts';
import { CKA, CKG, CKK, CKM, CKP } from './engine/pkcs11.ts';
import type { Purpose } from './engine/purpose.ts';

/** A kind of key as people name it, and how it is made. */
export interface KeyType {
  /** `ec-p256` */
  readonly name: string;
  readonly keyType: number;
  readonly generator: number;
  /** Attributes that tell the generator the size, curve or parameter set. */
  readonly parameters: readonly (readonly [number, AttributeValue])[];
  readonly pair: boolean;
  readonly purposes: readonly [Purpose, ...Purpose[]];
}

const OID = {
  p256: '06082a8648ce3d030107',
  p384: '06052b81040022',
  p521: '06052b81040023',
  secp256k1: '06052b8104000a',
  ed25519: '06032b6570',
  ed448: '06032b6571',
  x25519: '06032b656e',
  x448: '06032b656f',
} as const;

function curve(oid: string): readonly [number, AttributeValue] {
  return [CKA.EC_PARAMS, Uint8Array.fromHex(oid)];
}

function rsa(bits: number): KeyType {
  return {
    name: `rsa-${bits}`,
    keyType: CKK.RSA,
    generator: CKM.RSA_PKCS_KEY_PAIR_GEN,
    parameters: [
      [CKA.MODULUS_BITS, bits],
      [CKA.PUBLIC_EXPONENT, new Uint8Array([1, 0, 1])],
    ],
    pair: true,
    purposes: ['sign', 'encrypt', 'wrap'],
  };
}

function onCurve(
  name: string,
  oid: string,
  keyType: number,
  generator: number,
  purposes: KeyType['purposes'],
): KeyType {
  return { name, keyType, generator, parameters: [curve(oid)], pair: true, purposes };
}

function lattice(
  name: string,
  parameterSet: number,
  keyType: number,
  generator: number,
  purpose: Purpose,
): KeyType {
  return {
    name,
    keyType,
    generator,
    parameters: [[CKA.PARAMETER_SET, parameterSet]],
    pair: true,
    purposes: [purpose],
  };
}

function secret(
  name: string,
  bytes: number,
  keyType: number,
  generator: number,
  purposes: KeyType['purposes'],
): KeyType {
  return { name, keyType, generator, parameters: [[CKA.VALUE_LEN, bytes]], pair: false, purposes };
}

const EC = [CKK.EC, CKM.EC_KEY_PAIR_GEN] as const;
const EDWARDS = [CKK.EC_EDWARDS, CKM.EC_EDWARDS_KEY_PAIR_GEN] as const;
const MONTGOMERY = [CKK.EC_MONTGOMERY, CKM.EC_MONTGOMERY_KEY_PAIR_GEN] as const;
const ML_DSA = [CKK.ML_DSA, CKM.ML_DSA_KEY_PAIR_GEN, 'sign'] as const;
const ML_KEM = [CKK.ML_KEM, CKM.ML_KEM_KEY_PAIR_GEN, 'kem'] as const;
const GENERIC = CKM.GENERIC_SECRET_KEY_GEN;

/** HMAC keys are as long as the digest of their hash, and made for that hash. */
const HMACS: readonly {
  readonly name: string;
  readonly bytes: number;
  readonly keyType: number;
  readonly mechanism: number;
}[] = [
  { name: 'hmac-sha224', bytes: 28, keyType: CKK.SHA224_HMAC, mechanism: CKM.SHA224_HMAC },
  { name: 'hmac-sha256', bytes: 32, keyType: CKK.SHA256_HMAC, mechanism: CKM.SHA256_HMAC },
  { name: 'hmac-sha384', bytes: 48, keyType: CKK.SHA384_HMAC, mechanism: CKM.SHA384_HMAC },
  { name: 'hmac-sha512', bytes: 64, keyType: CKK.SHA512_HMAC, mechanism: CKM.SHA512_HMAC },
  {
    name: 'hmac-sha512-224',
    bytes: 28,
    keyType: CKK.SHA512_224_HMAC,
    mechanism: CKM.SHA512_224_HMAC,
  },
  {
    name: 'hmac-sha512-256',
    bytes: 32,
    keyType: CKK.SHA512_256_HMAC,
    mechanism: CKM.SHA512_256_HMAC,
  },
  { name: 'hmac-sha3-224', bytes: 28, keyType: CKK.SHA3_224_HMAC, mechanism: CKM.SHA3_224_HMAC },
  { name: 'hmac-sha3-256', bytes: 32, keyType: CKK.SHA3_256_HMAC, mechanism: CKM.SHA3_256_HMAC },
  { name: 'hmac-sha3-384', bytes: 48, keyType: CKK.SHA3_384_HMAC, mechanism: CKM.SHA3_384_HMAC },
  { name: 'hmac-sha3-512', bytes: 64, keyType: CKK.SHA3_512_HMAC, mechanism: CKM.SHA3_512_HMAC },
];

/** Every kind of key that `key create --type` makes. */
export const KEY_TYPES: readonly KeyType[] = [
  onCurve('ed25519', OID.ed25519, ...EDWARDS, ['sign']),
  onCurve('ed448', OID.ed448, ...EDWARDS, ['sign']),
  onCurve('ec-p256', OID.p256, ...EC, ['sign', 'derive']),
  onCurve('ec-p384', OID.p384, ...EC, ['sign', 'derive']),
  onCurve('ec-p521', OID.p521, ...EC, ['sign', 'derive']),
  onCurve('ec-secp256k1', OID.secp256k1, ...EC, ['sign', 'derive']),
  rsa(2048),
  rsa(3072),
  rsa(4096),
  onCurve('x25519', OID.x25519, ...MONTGOMERY, ['derive']),
  onCurve('x448', OID.x448, ...MONTGOMERY, ['derive']),
  lattice('ml-dsa-44', CKP.ML_DSA_44, ...ML_DSA),
  lattice('ml-dsa-65', CKP.ML_DSA_65, ...ML_DSA),
  lattice('ml-dsa-87', CKP.ML_DSA_87, ...ML_DSA),
  lattice('ml-kem-512', CKP.ML_KEM_512, ...ML_KEM),
  lattice('ml-kem-768', CKP.ML_KEM_768, ...ML_KEM),
  lattice('ml-kem-1024', CKP.ML_KEM_1024, ...ML_KEM),
  secret('aes-128', 16, CKK.AES, CKM.AES_KEY_GEN, ['encrypt', 'wrap', 'mac']),
  secret('aes-192', 24, CKK.AES, CKM.AES_KEY_GEN, ['encrypt', 'wrap', 'mac']),
  secret('aes-256', 32, CKK.AES, CKM.AES_KEY_GEN, ['encrypt', 'wrap', 'mac']),
  ...HMACS.map(({ name, bytes, keyType }) => secret(name, bytes, keyType, GENERIC, ['mac'])),
  secret('hkdf-256', 32, CKK.GENERIC_SECRET, GENERIC, ['derive']),
];

const none: MechanismParameter = { kind: 'none' };

function pss(hash: number, mgf: number, saltLength: number): MechanismParameter {
  return { kind: 'pss', hash, mgf, saltLength };
}

/**
 * The mechanism that a key signs with when none is named: the usual one of its type.
 * @returns `undefined` for a key that signs nothing
 */
export function usualSignature(type: KeyType, purpose: Purpose): Mechanism | undefined {
  if (purpose === 'mac') {
    if (type.keyType === CKK.AES) return { type: CKM.AES_CMAC, parameter: none };
    const hmac = HMACS.find(({ keyType }) => keyType === type.keyType);
    return { type: hmac?.mechanism ?? CKM.SHA256_HMAC, parameter: none };
  }
  if (purpose !== 'sign') return undefined;
  switch (type.keyType) {
    case CKK.EC_EDWARDS:
      return { type: CKM.EDDSA, parameter: none };
    case CKK.ML_DSA:
      return { type: CKM.ML_DSA, parameter: none };
    case CKK.RSA:
      return { type: CKM.SHA256_RSA_PKCS_PSS, parameter: pss(CKM.SHA256, CKG.MGF1_SHA256, 32) };
    default:
      if (type.name === 'ec-p384') return { type: CKM.ECDSA_SHA384, parameter: none };
      if (type.name === 'ec-p521') return { type: CKM.ECDSA_SHA512, parameter: none };
      return { type: CKM.ECDSA_SHA256, parameter: none };
  }
}

/** RSA-OAEP with SHA-256 and an empty label (RFC 8017, 7.1). */
export const OAEP_SHA256: Mechanism = {
  type: CKM.RSA_PKCS_OAEP,
  parameter: { kind: 'oaep', hash: CKM.SHA256, mgf: CKG.MGF1_SHA256, label: new Uint8Array() },
};

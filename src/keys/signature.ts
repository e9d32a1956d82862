import type { Mechanism } from './engine/mechanism/mechanism.ts';
import { concat } from '../bytes/text.ts';
import { CKG, CKK, CKM } from './engine/pkcs11.ts';
import { KEY_TYPES } from './key-type.ts';
import type { KeyInfo } from './key-info.ts';

type Hash = 'sha256' | 'sha384' | 'sha512';

interface Scheme {
  readonly name: string;
  readonly keyType: number;
  readonly mechanism: Mechanism;
  readonly hash: Hash;
  /** The mechanism over a digest, and what of the digest it signs. */
  readonly raw: Mechanism;
  readonly input: (digest: Uint8Array) => Uint8Array;
}

const none = { kind: 'none' } as const;
const itself = (digest: Uint8Array): Uint8Array => digest;

const HASHES = [
  { hash: 'sha256', ecdsa: CKM.ECDSA_SHA256, pkcs: CKM.SHA256_RSA_PKCS, id: 1, size: 32 },
  { hash: 'sha384', ecdsa: CKM.ECDSA_SHA384, pkcs: CKM.SHA384_RSA_PKCS, id: 2, size: 48 },
  { hash: 'sha512', ecdsa: CKM.ECDSA_SHA512, pkcs: CKM.SHA512_RSA_PKCS, id: 3, size: 64 },
] as const;

const PSS = {
  sha256: { type: CKM.SHA256_RSA_PKCS_PSS, hash: CKM.SHA256, mgf: CKG.MGF1_SHA256 },
  sha384: { type: CKM.SHA384_RSA_PKCS_PSS, hash: CKM.SHA384, mgf: CKG.MGF1_SHA384 },
  sha512: { type: CKM.SHA512_RSA_PKCS_PSS, hash: CKM.SHA512, mgf: CKG.MGF1_SHA512 },
} as const;

/** DER of DigestInfo up to the digest (RFC 8017, 9.2, note 1): 2.16.840.1.101.3.4.2.id, NULL. */
function digestInfo(id: number, size: number): Uint8Array {
  return Uint8Array.of(
    0x30,
    17 + size,
    0x30,
    13,
    0x06,
    9,
    0x60,
    0x86,
    0x48,
    1,
    0x65,
    3,
    4,
    2,
    id,
    5,
    0,
    4,
    size,
  );
}

const SCHEMES: readonly Scheme[] = HASHES.flatMap(({ hash, ecdsa, pkcs, id, size }) => {
  const { type, ...pss } = PSS[hash];
  const parameter = { kind: 'pss', ...pss, saltLength: size } as const;
  const prefix = digestInfo(id, size);
  return [
    {
      name: `ecdsa-${hash}`,
      keyType: CKK.EC,
      mechanism: { type: ecdsa, parameter: none },
      hash,
      raw: { type: CKM.ECDSA, parameter: none },
      input: itself,
    },
    {
      name: `rsa-pss-${hash}`,
      keyType: CKK.RSA,
      mechanism: { type, parameter },
      hash,
      raw: { type: CKM.RSA_PKCS_PSS, parameter },
      input: itself,
    },
    {
      name: `rsa-pkcs1-${hash}`,
      keyType: CKK.RSA,
      mechanism: { type: pkcs, parameter: none },
      hash,
      raw: { type: CKM.RSA_PKCS, parameter: none },
      input: (digest: Uint8Array): Uint8Array => concat(prefix, digest),
    },
  ];
});

/** The signature schemes among which a key of this type has a choice; none where it has one only. */
export function schemesOf(key: KeyInfo): readonly string[] {
  return SCHEMES.filter((scheme) => scheme.keyType === keyTypeOf(key)).map((each) => each.name);
}

/** Every scheme that can be named, for help and completion. */
export const SCHEME_NAMES: readonly string[] = SCHEMES.map((scheme) => scheme.name);

/** The mechanism of a scheme, or `undefined` when a key of this type has none of this name. */
export function schemeNamed(key: KeyInfo, name: string): Mechanism | undefined {
  const found = SCHEMES.find((scheme) => scheme.name === name && scheme.keyType === keyTypeOf(key));
  return found?.mechanism;
}

function keyTypeOf(key: KeyInfo): number | undefined {
  if (key.type.startsWith('rsa-')) return CKK.RSA;
  return KEY_TYPES.find((type) => type.name === key.type)?.keyType;
}

/** How a signature over data of any size is made: hash them, then sign what `of` gives. */
export interface Prehash {
  readonly hash: Hash;
  readonly of: (digest: Uint8Array) => { readonly mechanism: Mechanism; readonly data: Uint8Array };
}

/**
 * The way to sign data too large for one message with this mechanism.
 * @returns `undefined` where the scheme needs all of them at once (EdDSA, ML-DSA, MACs)
 */
export function prehashOf(mechanism: Mechanism): Prehash | undefined {
  const scheme = SCHEMES.find((each) => each.mechanism.type === mechanism.type);
  if (scheme === undefined) return undefined;
  // PSS keeps the parameters that were asked for.
  const parameter = mechanism.parameter.kind === 'pss' ? mechanism.parameter : scheme.raw.parameter;
  return {
    hash: scheme.hash,
    of: (digest) => ({
      mechanism: { type: scheme.raw.type, parameter },
      data: scheme.input(digest),
    }),
  };
}

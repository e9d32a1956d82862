import { CKG, CKM } from '../pkcs11.ts';

/** A hash as OpenSSL names it. */
export interface HashInfo {
  readonly name: string;
  /** Bytes of a digest. */
  readonly length: number;
  /** CKG number of MGF1 with the same hash, where one exists. */
  readonly mgf: number | undefined;
}

/** Hashes by the CKM number of their digest. SHA-1 serves inside RSA-OAEP alone. */
const ROWS: readonly (readonly [number, string, number, number?])[] = [
  [CKM.SHA_1, 'sha1', 20, CKG.MGF1_SHA1],
  [CKM.SHA224, 'sha224', 28, CKG.MGF1_SHA224],
  [CKM.SHA256, 'sha256', 32, CKG.MGF1_SHA256],
  [CKM.SHA384, 'sha384', 48, CKG.MGF1_SHA384],
  [CKM.SHA512, 'sha512', 64, CKG.MGF1_SHA512],
  [CKM.SHA512_224, 'sha512-224', 28],
  [CKM.SHA512_256, 'sha512-256', 32],
  [CKM.SHA3_224, 'sha3-224', 28],
  [CKM.SHA3_256, 'sha3-256', 32],
  [CKM.SHA3_384, 'sha3-384', 48],
  [CKM.SHA3_512, 'sha3-512', 64],
];

const ALL: ReadonlyMap<number, HashInfo> = new Map(
  ROWS.map(([type, name, length, mgf]) => [type, { name, length, mgf }]),
);

function only(...types: readonly number[]): ReadonlyMap<number, HashInfo> {
  return new Map([...ALL].filter(([type]) => types.includes(type)));
}

/** Hashes offered as digests by themselves. */
export const DIGESTS: ReadonlyMap<number, HashInfo> = new Map(
  [...ALL].filter(([type]) => type !== CKM.SHA_1),
);

/** Hashes that signatures are made over. */
export const SIGNATURE_HASHES: ReadonlyMap<number, HashInfo> = only(
  CKM.SHA224,
  CKM.SHA256,
  CKM.SHA384,
  CKM.SHA512,
);

/**
 * Hashes inside RSA-OAEP. SHA-1 is among them: many programs know no other, and OAEP does not rest
 * on its resistance to collisions (RFC 8017, B.1).
 */
export const OAEP_HASHES: ReadonlyMap<number, HashInfo> = only(
  CKM.SHA_1,
  CKM.SHA224,
  CKM.SHA256,
  CKM.SHA384,
  CKM.SHA512,
);

/** Hashes of HKDF. */
export const HKDF_HASHES: ReadonlyMap<number, HashInfo> = only(CKM.SHA256, CKM.SHA384, CKM.SHA512);

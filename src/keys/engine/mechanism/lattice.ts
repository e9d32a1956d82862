import { CKK, CKP } from '../pkcs11.ts';

/** A parameter set of ML-DSA (FIPS 204, table 2) or ML-KEM (FIPS 203, table 3); sizes in bytes. */
export interface Lattice {
  /** As `node:crypto` names it. */
  readonly name: LatticeName;
  readonly keyType: number;
  readonly parameterSet: number;
  /** DER of its object identifier, as NIST registered it. */
  readonly oid: Uint8Array;
  readonly seed: number;
  readonly publicKey: number;
  /** The private key in the form that the standard expands the seed to. */
  readonly expanded: number;
  /** A signature, or a ciphertext. */
  readonly output: number;
}

export type LatticeName =
  | 'ml-dsa-44'
  | 'ml-dsa-65'
  | 'ml-dsa-87'
  | 'ml-kem-512'
  | 'ml-kem-768'
  | 'ml-kem-1024';

type Row = readonly [LatticeName, number, number, string, number, number, number, number];

const ROWS: readonly Row[] = [
  ['ml-dsa-44', CKK.ML_DSA, CKP.ML_DSA_44, '0609608648016503040311', 32, 1312, 2560, 2420],
  ['ml-dsa-65', CKK.ML_DSA, CKP.ML_DSA_65, '0609608648016503040312', 32, 1952, 4032, 3309],
  ['ml-dsa-87', CKK.ML_DSA, CKP.ML_DSA_87, '0609608648016503040313', 32, 2592, 4896, 4627],
  ['ml-kem-512', CKK.ML_KEM, CKP.ML_KEM_512, '0609608648016503040401', 64, 800, 1632, 768],
  ['ml-kem-768', CKK.ML_KEM, CKP.ML_KEM_768, '0609608648016503040402', 64, 1184, 2400, 1088],
  ['ml-kem-1024', CKK.ML_KEM, CKP.ML_KEM_1024, '0609608648016503040403', 64, 1568, 3168, 1568],
];

const SETS: readonly Lattice[] = ROWS.map(
  ([name, keyType, parameterSet, oid, seed, publicKey, expanded, output]) => ({
    name,
    keyType,
    parameterSet,
    oid: Uint8Array.fromHex(oid),
    seed,
    publicKey,
    expanded,
    output,
  }),
);

/** The set of CKA_KEY_TYPE and CKA_PARAMETER_SET, or `undefined`. */
export function latticeOf(
  keyType: number | undefined,
  parameterSet: number | undefined,
): Lattice | undefined {
  return SETS.find((set) => set.keyType === keyType && set.parameterSet === parameterSet);
}

/** The set that `node:crypto` calls so, or `undefined`. */
export function latticeNamed(name: string | undefined): Lattice | undefined {
  return SETS.find((set) => set.name === name);
}

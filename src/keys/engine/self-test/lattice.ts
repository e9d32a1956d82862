import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { latticeNamed } from '../mechanism/lattice.ts';
import type { LatticeName } from '../mechanism/lattice.ts';
import * as perform from '../mechanism/perform.ts';
import { CKA, CKM } from '../pkcs11.ts';
import { digestOf, hex, plain, privateKey, signsAndVerifies, verified } from './answer.ts';
import type { KnownAnswer } from './answer.ts';
import { ML_DSA_44, ML_KEM_768 } from './lattice-data.ts';

/** Known answers of ML-DSA and ML-KEM (FIPS 204, FIPS 203). */

function ofSeed(name: LatticeName, seed: string): KeyObject {
  const set = latticeNamed(name);
  return privateKey(
    [CKA.KEY_TYPE, set?.keyType ?? 0],
    [CKA.PARAMETER_SET, set?.parameterSet ?? 0],
    [CKA.SEED, hex(seed)],
  );
}

/** SHA-256 of the public key that a seed gives: Wycheproof, the first vector of each set. */
function expansion(name: LatticeName, type: number, seed: string, expected: string): KnownAnswer {
  return {
    name,
    covers: [type],
    compute: () => digestOf(createPublicKey(ofSeed(name, seed)).export({ format: 'raw-public' })),
    expected,
  };
}

function pairOf(name: LatticeName): () => { privateKey: KeyObject; publicKey: KeyObject } {
  return () => {
    const own = ofSeed(name, ML_DSA_44.seed);
    return { privateKey: own, publicKey: createPublicKey(own) };
  };
}

const KEM_SEED =
  '7c9935a0b07694aa0c6d10e4db6b1add2fd81a25ccb148032dcd739936737f2d8626ed79d451140800e03b59b956f8210e556067407d13dc90fa9e8b872bfb8f';

export const LATTICE_ANSWERS: readonly KnownAnswer[] = [
  expansion(
    'ml-dsa-44',
    CKM.ML_DSA_KEY_PAIR_GEN,
    ML_DSA_44.seed,
    'd87f8ca136ac1aa55e2d6c4521680efb3a378cbb9bc0bfb446e9c60893931ea3',
  ),
  expansion(
    'ml-dsa-65',
    CKM.ML_DSA_KEY_PAIR_GEN,
    ML_DSA_44.seed,
    'b7acce2ddb11f8cc1aa46e2bafac6eacfa2b732ef192bd636ad8d3a56d649c66',
  ),
  expansion(
    'ml-dsa-87',
    CKM.ML_DSA_KEY_PAIR_GEN,
    ML_DSA_44.seed,
    'd43128fa8a8c785c1d44c9e7db538dbf9dd88fe6c8ad911a344bcec1017c6d54',
  ),
  verified(
    'ml-dsa',
    plain(CKM.ML_DSA),
    () => pairOf('ml-dsa-44')().publicKey,
    hex(ML_DSA_44.message),
    () => Uint8Array.fromBase64(ML_DSA_44.signature),
  ),
  signsAndVerifies('ml-dsa-44-signature', plain(CKM.ML_DSA), pairOf('ml-dsa-44')),
  signsAndVerifies('ml-dsa-65-signature', plain(CKM.ML_DSA), pairOf('ml-dsa-65')),
  signsAndVerifies('ml-dsa-87-signature', plain(CKM.ML_DSA), pairOf('ml-dsa-87')),
  expansion(
    'ml-kem-512',
    CKM.ML_KEM_KEY_PAIR_GEN,
    KEM_SEED,
    '852523749efd2b78d1074e5de629060312cd9397933a19ddb7482cfda5e92614',
  ),
  expansion(
    'ml-kem-768',
    CKM.ML_KEM_KEY_PAIR_GEN,
    KEM_SEED,
    '86adbca81f4fee893e2fb58fb98aa2fe188f501fed268d7f4056f8c05c4e53c4',
  ),
  expansion(
    'ml-kem-1024',
    CKM.ML_KEM_KEY_PAIR_GEN,
    KEM_SEED,
    '61b95ec8c32ae85ad7a17ae5b9c2dfb083e05f767da3ba9a0a8092ea6b4cbf7a',
  ),
  {
    name: 'ml-kem',
    covers: [CKM.ML_KEM],
    compute: () =>
      perform.decapsulate(
        plain(CKM.ML_KEM),
        ofSeed('ml-kem-768', ML_KEM_768.seed),
        Uint8Array.fromBase64(ML_KEM_768.ciphertext),
      ),
    expected: ML_KEM_768.secret,
  },
  {
    // What is encapsulated opens again; a changed ciphertext opens to another secret (FIPS 203, 6.3).
    name: 'ml-kem-round-trip',
    covers: [CKM.ML_KEM],
    compute: () => {
      const own = ofSeed('ml-kem-1024', KEM_SEED);
      const { ciphertext, secret } = perform.encapsulate(plain(CKM.ML_KEM), createPublicKey(own));
      const opened = perform.decapsulate(plain(CKM.ML_KEM), own, ciphertext);
      ciphertext[0] = (ciphertext[0] ?? 0) ^ 1;
      const other = perform.decapsulate(plain(CKM.ML_KEM), own, ciphertext);
      return Uint8Array.of(
        Buffer.compare(opened, secret) === 0 ? 1 : 0,
        Buffer.compare(other, secret) === 0 ? 1 : 0,
      );
    },
    expected: '0100',
  },
];

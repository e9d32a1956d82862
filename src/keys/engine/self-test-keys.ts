import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Mechanism } from './mechanism/mechanism.ts';
import { CKM } from './pkcs11.ts';

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

interface SelfTestPairs {
  readonly signatures: readonly { name: string; mechanism: Mechanism; pair: Pair }[];
  readonly kem: Pair;
}

const none = { kind: 'none' } as const;

/** Throw-away keys of the signature self-tests; RSA is left to its first use, its keys take seconds. */
export function generateSelfTestPairs(): SelfTestPairs {
  const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return {
    signatures: [
      { name: 'ecdsa', mechanism: { type: CKM.ECDSA, parameter: none }, pair: ec },
      { name: 'ecdsa-sha256', mechanism: { type: CKM.ECDSA_SHA256, parameter: none }, pair: ec },
      {
        name: 'eddsa',
        mechanism: { type: CKM.EDDSA, parameter: none },
        pair: generateKeyPairSync('ed25519'),
      },
      {
        name: 'ml-dsa',
        mechanism: { type: CKM.ML_DSA, parameter: none },
        pair: generateKeyPairSync('ml-dsa-65'),
      },
    ],
    kem: generateKeyPairSync('ml-kem-768'),
  };
}

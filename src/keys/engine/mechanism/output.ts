import type { TokenObject } from '../object.ts';
import { bytesOf, numberOf } from '../object.ts';
import { CKA, CKK, CKM } from '../pkcs11.ts';
import type { Mechanism } from './mechanism.ts';

interface OutputBound {
  readonly outputBound: (inputLength: number) => number;
  readonly exactBound: boolean;
}

/** Bytes of a signature or MAC by its mechanism, where the mechanism alone says it. */
const FIXED: ReadonlyMap<number, number> = new Map([
  [CKM.SHA256_HMAC, 32],
  [CKM.SHA384_HMAC, 48],
  [CKM.SHA512_HMAC, 64],
  [CKM.AES_CMAC, 16],
]);

/** Bytes of a signature by the curve, DER of its object identifier. */
const CURVE_SIGNATURE: ReadonlyMap<string, number> = new Map([
  ['06082a8648ce3d030107', 64],
  ['06052b8104000a', 64],
  ['06052b81040022', 96],
  ['06052b81040023', 132],
  ['06032b6570', 64],
  ['06032b6571', 114],
]);

/** Signatures of ML-DSA (FIPS 204, table 2) by CKA_PARAMETER_SET. */
const ML_DSA_SIGNATURE = [0, 2420, 3309, 4627] as const;

const MODULUS_MAX = 512;

function modulusBytes(key: TokenObject): number {
  return bytesOf(key.attributes, CKA.MODULUS)?.length ?? MODULUS_MAX;
}

function signatureLength(mechanism: Mechanism, key: TokenObject): number {
  const fixed = FIXED.get(mechanism.type);
  if (fixed !== undefined) return fixed;
  const { attributes } = key;
  const keyType = numberOf(attributes, CKA.KEY_TYPE);
  if (keyType === CKK.RSA) return modulusBytes(key);
  if (keyType === CKK.ML_DSA) {
    return ML_DSA_SIGNATURE[numberOf(attributes, CKA.PARAMETER_SET) ?? 3] ?? 4627;
  }
  return CURVE_SIGNATURE.get(bytesOf(attributes, CKA.EC_PARAMS)?.toHex() ?? '') ?? 132;
}

const sizes = new WeakMap<TokenObject, Map<number, OutputBound>>();

/** How much an operation gives out: what C_Sign and its like answer to a length query. */
export function outputBound(
  verb: 'sign' | 'verify' | 'encrypt' | 'decrypt',
  mechanism: Mechanism,
  key: TokenObject,
): OutputBound {
  switch (verb) {
    case 'sign':
      return signatureBound(mechanism, key);
    case 'verify':
      return { outputBound: () => 0, exactBound: true };
    case 'encrypt': {
      if (numberOf(key.attributes, CKA.KEY_TYPE) === CKK.RSA) {
        const length = modulusBytes(key);
        return { outputBound: () => length, exactBound: true };
      }
      const tag = mechanism.parameter.kind === 'gcm' ? mechanism.parameter.tagBits / 8 : 0;
      return { outputBound: (inputLength) => inputLength + tag, exactBound: true };
    }
    case 'decrypt':
      return { outputBound: (inputLength) => inputLength, exactBound: false };
  }
}

/** Computed once for a key and a mechanism: signing is the hot path. */
function signatureBound(mechanism: Mechanism, key: TokenObject): OutputBound {
  let byMechanism = sizes.get(key);
  if (byMechanism === undefined) {
    byMechanism = new Map();
    sizes.set(key, byMechanism);
  }
  const known = byMechanism.get(mechanism.type);
  if (known !== undefined) return known;
  const length = signatureLength(mechanism, key);
  const bound = { outputBound: () => length, exactBound: true };
  byMechanism.set(mechanism.type, bound);
  return bound;
}

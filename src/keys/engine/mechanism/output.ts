import type { TokenObject } from '../object.ts';
import { bytesOf, numberOf } from '../object.ts';
import { CKA, CKK, CKM } from '../pkcs11.ts';
import { curveOf } from './curve.ts';
import { latticeOf } from './lattice.ts';
import { macLength } from './mac.ts';
import type { Mechanism } from './mechanism.ts';
import { oaepCapacity } from './oaep.ts';

interface OutputBound {
  readonly outputBound: (inputLength: number) => number;
  readonly exactBound: boolean;
}

const BLOCK = 16;

function modulusBytes(key: TokenObject): number {
  return bytesOf(key.attributes, CKA.MODULUS)?.length ?? 0;
}

/** Bytes of a signature or MAC; each mechanism and key has one length. */
export function signatureLength(mechanism: Mechanism, key: TokenObject): number {
  return signatureBound(mechanism, key).outputBound(0);
}

function computeSignatureLength(mechanism: Mechanism, key: TokenObject): number {
  const mac = macLength(mechanism.type);
  if (mac !== undefined) return mac;
  const { attributes } = key;
  const keyType = numberOf(attributes, CKA.KEY_TYPE);
  if (keyType === CKK.RSA) return modulusBytes(key);
  const lattice = latticeOf(keyType, numberOf(attributes, CKA.PARAMETER_SET));
  if (lattice !== undefined) return lattice.output;
  return curveOf(bytesOf(attributes, CKA.EC_PARAMS)).signature;
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
    case 'encrypt':
      return encryptionBound(mechanism, key);
    case 'decrypt':
      return decryptionBound(mechanism, key);
  }
}

function encryptionBound(mechanism: Mechanism, key: TokenObject): OutputBound {
  switch (mechanism.type) {
    case CKM.RSA_PKCS_OAEP: {
      const length = modulusBytes(key);
      return { outputBound: () => length, exactBound: true };
    }
    case CKM.AES_GCM: {
      const tag = tagLength(mechanism);
      return { outputBound: (inputLength) => inputLength + tag, exactBound: true };
    }
    case CKM.AES_CBC_PAD:
      return {
        outputBound: (inputLength) => (Math.floor(inputLength / BLOCK) + 1) * BLOCK,
        exactBound: true,
      };
    default:
      return { outputBound: (inputLength) => inputLength, exactBound: true };
  }
}

function decryptionBound(mechanism: Mechanism, key: TokenObject): OutputBound {
  switch (mechanism.type) {
    case CKM.RSA_PKCS_OAEP: {
      const capacity = oaepCapacity(mechanism, modulusBytes(key));
      return { outputBound: () => capacity, exactBound: false };
    }
    case CKM.AES_GCM: {
      const tag = tagLength(mechanism);
      return { outputBound: (inputLength) => Math.max(0, inputLength - tag), exactBound: true };
    }
    case CKM.AES_CBC_PAD:
      return { outputBound: (inputLength) => inputLength, exactBound: false };
    default:
      return { outputBound: (inputLength) => inputLength, exactBound: true };
  }
}

function tagLength({ parameter }: Mechanism): number {
  return parameter.kind === 'gcm' ? parameter.tagBits / 8 : 0;
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
  const length = computeSignatureLength(mechanism, key);
  const bound = { outputBound: () => length, exactBound: true };
  byMechanism.set(mechanism.type, bound);
  return bound;
}

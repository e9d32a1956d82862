import { createHmac, diffieHellman, hkdfSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KeysError } from '../../errors.ts';
import { CKD } from '../pkcs11.ts';
import { publicKeyFromPoint } from './components.ts';
import type { Curve } from './curve.ts';
import { parameterError } from './failing.ts';
import { HKDF_HASHES } from './hash.ts';
import type { HashInfo } from './hash.ts';
import { curveOfKey } from './key-material.ts';
import type { Mechanism, MechanismParameter } from './mechanism.ts';

/** Keys from keys: ECDH (SP 800-56A, RFC 7748) and HKDF (RFC 5869). Callers wipe what they get. */

/** Bytes of a derived key at the most: as much as a secret key may have. */
const MAX_DERIVED = 512;

type HkdfParameter = Extract<MechanismParameter, { kind: 'hkdf' }>;

/**
 * The shared secret: the x coordinate of the point, or the number of RFC 7748; a shorter length takes
 * its leading bytes (PKCS#11 v3.1, 6.3.20).
 * @param peer the other side's public key: a point, bare or in an OCTET STRING, or SubjectPublicKeyInfo
 * @throws {KeysError} MECHANISM_PARAM_INVALID, KEY_SIZE_RANGE
 */
export function agree(
  mechanism: Mechanism,
  base: KeyObject,
  length: number | undefined,
): Uint8Array {
  const { parameter } = mechanism;
  if (parameter.kind !== 'ecdh') throw parameterError('kind');
  if (parameter.kdf !== CKD.NULL) throw parameterError('derivation function');
  // Without a derivation function there is nothing that could take shared data in.
  if (parameter.sharedData.length > 0) throw parameterError('shared data');
  const curve = curveOfKey(base);
  if (curve === undefined) throw parameterError('curve');
  const shared = sharedSecret(curve, base, parameter.publicData);
  if (length === undefined || length === shared.length) return shared;
  // A copy, which the slice of a Buffer would not be.
  const cut = new Uint8Array(shared.subarray(0, Math.max(0, length)));
  const enough = length >= 1 && length < shared.length;
  shared.fill(0);
  if (enough) return cut;
  throw new KeysError('KEY_SIZE_RANGE', `the shared secret has ${shared.length} bytes`);
}

function sharedSecret(curve: Curve, privateKey: KeyObject, peer: Uint8Array): Uint8Array {
  try {
    return diffieHellman({ privateKey, publicKey: publicKeyFromPoint(curve, peer) });
  } catch {
    throw new KeysError('MECHANISM_PARAM_INVALID', "the peer's public key does not fit");
  }
}

/**
 * HKDF, whole or one of its steps (CK_HKDF_PARAMS, v3.1, 6.62).
 * @param length bytes of output key material; extraction alone gives the length of the hash
 * @throws {KeysError} MECHANISM_PARAM_INVALID, TEMPLATE_INCOMPLETE, KEY_SIZE_RANGE
 */
export function hkdf(
  mechanism: Mechanism,
  base: KeyObject,
  length: number | undefined,
): Uint8Array {
  const { parameter } = mechanism;
  if (parameter.kind !== 'hkdf') throw parameterError('kind');
  const hash = HKDF_HASHES.get(parameter.hash);
  if (hash === undefined) throw parameterError('hash');
  if (!parameter.expand) {
    if (!parameter.extract) throw parameterError('choice of steps');
    if (length !== undefined && length !== hash.length) {
      throw new KeysError('KEY_SIZE_RANGE', `extraction gives ${hash.length} bytes`);
    }
    return extract(hash, base, parameter.salt);
  }
  if (length === undefined) {
    throw new KeysError('TEMPLATE_INCOMPLETE', 'a derived key needs CKA_VALUE_LEN');
  }
  if (!(length >= 1 && length <= MAX_DERIVED)) {
    throw new KeysError('KEY_SIZE_RANGE', `a derived key has 1 to ${MAX_DERIVED} bytes`);
  }
  if (parameter.extract) {
    return new Uint8Array(hkdfSync(hash.name, base, parameter.salt, parameter.info, length));
  }
  return expand(hash, base, parameter, length);
}

/** RFC 5869, 2.2: the key is the message, the salt the key. */
function extract(hash: HashInfo, base: KeyObject, salt: Uint8Array): Uint8Array {
  const value = base.export();
  try {
    return createHmac(hash.name, salt).update(value).digest();
  } finally {
    value.fill(0);
  }
}

/** RFC 5869, 2.3. `node:crypto` has both steps in one only. */
function expand(
  hash: HashInfo,
  base: KeyObject,
  { info }: HkdfParameter,
  length: number,
): Uint8Array {
  if ((base.symmetricKeySize ?? 0) < hash.length) {
    throw new KeysError('KEY_SIZE_RANGE', `expansion takes a key of ${hash.length} bytes or more`);
  }
  const output = new Uint8Array(length);
  let previous: Uint8Array = new Uint8Array();
  let round = 1;
  for (let at = 0; at < length; at += hash.length) {
    const block = createHmac(hash.name, base)
      .update(previous)
      .update(info)
      .update(Uint8Array.of(round++))
      .digest();
    output.set(block.subarray(0, length - at), at);
    previous.fill(0);
    previous = block;
  }
  previous.fill(0);
  return output;
}

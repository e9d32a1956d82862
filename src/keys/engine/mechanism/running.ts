import type { KeyObject } from 'node:crypto';
import { KeysError } from '../../errors.ts';
import { CKM } from '../pkcs11.ts';
import { startCipher } from './cipher.ts';
import { startMac } from './mac.ts';
import type { Mechanism } from './mechanism.ts';
import { sameMac } from './perform.ts';
import { isRaw } from './raw.ts';
import { startSigning, startVerifying } from './signature.ts';

/** An operation in parts, whatever it does: C_…Update and C_…Final of PKCS#11. */
export interface Running {
  /** Bytes that the next `update` with so many gives, exactly. */
  updateLength(partLength: number): number;
  update(part: Uint8Array): Uint8Array;
  /** Bytes that `finish` gives at the most. */
  finishBound(): number;
  /** @throws {KeysError} SIGNATURE_INVALID for a wrong `signature`, and what the mechanism throws */
  finish(signature: Uint8Array): Uint8Array;
}

type Verb = 'sign' | 'verify' | 'encrypt' | 'decrypt';

const NOTHING = new Uint8Array();

/**
 * Begins an operation in parts.
 * @param length what a signature or MAC will have
 * @returns `undefined` where the whole must be there at once: EdDSA and ML-DSA read their message
 *   twice, the decryption of GCM gives nothing before its tag, RSA and signatures over a digest take
 *   one block
 * @throws {KeysError} MECHANISM_INVALID, MECHANISM_PARAM_INVALID
 */
export function start(
  verb: Verb,
  mechanism: Mechanism,
  key: KeyObject,
  length: number,
): Running | undefined {
  if (isRaw(mechanism.type) || mechanism.type === CKM.RSA_PKCS_OAEP) return undefined;
  if (verb === 'encrypt' || verb === 'decrypt') return startCipher(mechanism, key, verb);
  const feed =
    key.type === 'secret' ? startTag(mechanism, key, verb) : startSignature(mechanism, key, verb);
  if (feed === undefined) return undefined;
  return {
    updateLength: () => 0,
    update(part) {
      feed.update(part);
      return NOTHING;
    },
    finishBound: () => (verb === 'sign' ? length : 0),
    finish: (signature) => feed.finish(signature),
  };
}

interface Feed {
  update(part: Uint8Array): void;
  finish(signature: Uint8Array): Uint8Array;
}

function accepted(right: boolean): Uint8Array {
  if (right) return NOTHING;
  throw new KeysError('SIGNATURE_INVALID', 'the signature is wrong');
}

function startTag(mechanism: Mechanism, key: KeyObject, verb: 'sign' | 'verify'): Feed {
  const running = startMac(mechanism, key);
  return {
    update: (part) => running.update(part),
    finish: (signature) =>
      verb === 'sign' ? running.finish() : accepted(sameMac(running.finish(), signature)),
  };
}

function startSignature(
  mechanism: Mechanism,
  key: KeyObject,
  verb: 'sign' | 'verify',
): Feed | undefined {
  if (verb === 'sign') return startSigning(mechanism, key);
  const running = startVerifying(mechanism, key);
  if (running === undefined) return undefined;
  return {
    update: (part) => running.update(part),
    finish: (signature) => accepted(running.finish(signature)),
  };
}

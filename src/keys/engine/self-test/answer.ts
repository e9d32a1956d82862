import { createHash, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KeysError } from '../../errors.ts';
import type { AttributeValue } from '../attribute.ts';
import { privateKeyFromAttributes, publicKeyFromAttributes } from '../mechanism/key-material.ts';
import type { Mechanism } from '../mechanism/mechanism.ts';
import * as perform from '../mechanism/perform.ts';
import type { DigestSigner } from '../mechanism/raw.ts';

/** A known answer: what it tests, how it is got, and what it must be. */
export interface KnownAnswer {
  readonly name: string;
  /** CKM numbers of the mechanisms that it stands for. */
  readonly covers: readonly number[];
  readonly compute: (signer: DigestSigner) => Uint8Array;
  readonly expected: string;
}

export function plain(type: number): Mechanism {
  return { type, parameter: { kind: 'none' } };
}

export function hex(digits: string): Uint8Array {
  return Uint8Array.fromHex(digits);
}

export function secret(digits: string): KeyObject {
  return createSecretKey(hex(digits));
}

export function privateKey(
  ...attributes: readonly (readonly [number, AttributeValue])[]
): KeyObject {
  return privateKeyFromAttributes(new Map(attributes));
}

export function publicKey(
  ...attributes: readonly (readonly [number, AttributeValue])[]
): KeyObject {
  return publicKeyFromAttributes(new Map(attributes));
}

/** Where an answer is long its SHA-256 stands for it; that hash is tested first. */
export function digestOf(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

const YES = 1;
const NO = 0;

function verdict(
  mechanism: Mechanism,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
  signer: DigestSigner,
): number {
  try {
    return perform.verify(mechanism, key, data, signature, signer) ? YES : NO;
  } catch (error) {
    if (error instanceof KeysError) return NO;
    throw error;
  }
}

/** What becomes of a signature, and of the same with its last bit flipped. */
function verdicts(
  mechanism: Mechanism,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
  signer: DigestSigner,
): Uint8Array {
  const wrong = Uint8Array.from(signature);
  wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 1;
  return Uint8Array.from([signature, wrong], (each) => verdict(mechanism, key, data, each, signer));
}

const RIGHT_AND_WRONG = '0100';

/** A right signature is accepted, and refused once a bit of it is flipped. */
export function verified(
  name: string,
  mechanism: Mechanism,
  key: () => KeyObject,
  data: Uint8Array,
  signature: () => Uint8Array,
): KnownAnswer {
  return {
    name,
    covers: [mechanism.type],
    compute: (signer) => verdicts(mechanism, key(), data, signature(), signer),
    expected: RIGHT_AND_WRONG,
  };
}

/** What is signed now is verified, and refused once a bit of it is flipped. */
export function signsAndVerifies(
  name: string,
  mechanism: Mechanism,
  pair: () => { readonly privateKey: KeyObject; readonly publicKey: KeyObject },
): KnownAnswer {
  return {
    name,
    covers: [mechanism.type],
    compute: (signer) => {
      const keys = pair();
      const signature = perform.sign(mechanism, keys.privateKey, DATA, signer);
      return verdicts(mechanism, keys.publicKey, DATA, signature, signer);
    },
    expected: RIGHT_AND_WRONG,
  };
}

const DATA = hex('00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff');

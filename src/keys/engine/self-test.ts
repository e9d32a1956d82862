import { randomBytes } from 'node:crypto';
import { equalBytes } from '../../bytes/compare.ts';
import { KeysError } from '../errors.ts';
import type { DigestSigner } from './mechanism/raw.ts';
import { CKM } from './pkcs11.ts';
import type { KnownAnswer } from './self-test/answer.ts';
import { CURVE_ANSWERS } from './self-test/curve.ts';
import { LATTICE_ANSWERS } from './self-test/lattice.ts';
import { RSA_ANSWERS } from './self-test/rsa.ts';
import { SECRET_ANSWERS } from './self-test/secret.ts';

/**
 * Published answers of every mechanism (FIPS 140-3 IG 10.3.A): digests first, since others are given
 * by their digest. Signatures with fresh randomness are known by their verification, and one is made
 * and verified beside that.
 */
export const KNOWN_ANSWERS: readonly KnownAnswer[] = [
  ...SECRET_ANSWERS,
  ...RSA_ANSWERS,
  ...CURVE_ANSWERS,
  ...LATTICE_ANSWERS,
];

/** Mechanisms that only take random bytes: the health of the source is their test. */
export const COVERED_BY_RANDOM: readonly number[] = [
  CKM.AES_KEY_GEN,
  CKM.GENERIC_SECRET_KEY_GEN,
  CKM.HKDF_KEY_GEN,
];

function fail(what: string, cause?: unknown): never {
  throw new KeysError('DEVICE_ERROR', `the self-test of ${what} failed`, {
    duty: 'internal',
    mend: 'this machine or this build is broken: use no key on it',
    cause,
  });
}

/**
 * Health of the random source on a sample (SP 800-90B, 4.4): the repetition count test and the
 * adaptive proportion test over bytes, cut-offs for a false alarm once in 2^40 samples.
 * @throws {KeysError} DEVICE_ERROR
 */
export function testRandomSource(source: (length: number) => Uint8Array): void {
  const sample = source(4096);
  let run = 1;
  for (let index = 1; index < sample.length; index++) {
    run = sample[index] === sample[index - 1] ? run + 1 : 1;
    if (run >= 7) fail('random bytes (repetition count)');
  }
  for (let start = 0; start + 512 <= sample.length; start += 512) {
    let count = 0;
    for (let index = start; index < start + 512; index++) {
      if (sample[index] === sample[start]) count++;
    }
    if (count >= 24) fail('random bytes (adaptive proportion)');
  }
}

/**
 * The health of the random source and a known answer of every mechanism.
 * @returns how many tests passed
 * @throws {KeysError} DEVICE_ERROR naming the first that failed: no key may be used
 */
export function runSelfTests(
  signer: DigestSigner,
  answers: readonly KnownAnswer[] = KNOWN_ANSWERS,
  random: (length: number) => Uint8Array = randomBytes,
): number {
  testRandomSource(random);
  for (const { name, compute, expected } of answers) {
    let answer: Uint8Array;
    try {
      answer = compute(signer);
    } catch (error) {
      fail(name, error);
    }
    if (!equalBytes(answer, Uint8Array.fromHex(expected))) fail(name);
  }
  return answers.length + 1;
}

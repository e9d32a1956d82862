import { createSecretKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { utf8 } from '../../bytes/text.ts';
import { equalBytes } from '../../bytes/compare.ts';
import { KeysError } from '../errors.ts';
import type { Mechanism } from './mechanism/mechanism.ts';
import type { DigestSigner } from './mechanism/raw.ts';
import * as perform from './mechanism/perform.ts';
import { generateSelfTestPairs } from './self-test-keys.ts';
import { CKM } from './pkcs11.ts';

const none = { kind: 'none' } as const;

function fail(what: string): never {
  throw new KeysError('DEVICE_ERROR', `the self-test of ${what} failed`, {
    duty: 'internal',
    mend: 'this machine or this build is broken: use no key on it',
  });
}

function secret(hex: string): KeyObject {
  return createSecretKey(Uint8Array.fromHex(hex));
}

/** Known answers are of mechanisms that need none. */
const noSigner: DigestSigner = {
  ecdsaSign: () => fail('ecdsa'),
  ecdsaVerify: () => fail('ecdsa'),
  pssSign: () => fail('rsa-pss'),
  pssVerify: () => fail('rsa-pss'),
};

/** A known answer: what it tests, how it is got, and what it must be. */
interface KnownAnswer {
  readonly name: string;
  readonly compute: () => Uint8Array;
  readonly expected: string;
}

/** Published vectors of every deterministic mechanism. */
export const KNOWN_ANSWERS: readonly KnownAnswer[] = [
  {
    // RFC 4231, test case 2.
    name: 'hmac-sha256',
    compute: () =>
      perform.sign(
        { type: CKM.SHA256_HMAC, parameter: none },
        secret('4a656665'),
        utf8('what do ya want for nothing?'),
        noSigner,
      ),
    expected: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  },
  {
    name: 'hmac-sha512',
    compute: () =>
      perform.sign(
        { type: CKM.SHA512_HMAC, parameter: none },
        secret('4a656665'),
        utf8('what do ya want for nothing?'),
        noSigner,
      ),
    expected:
      '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
  },
  {
    // RFC 4493, example 2.
    name: 'aes-cmac',
    compute: () =>
      perform.sign(
        { type: CKM.AES_CMAC, parameter: none },
        secret('2b7e151628aed2a6abf7158809cf4f3c'),
        Uint8Array.fromHex('6bc1bee22e409f96e93d7e117393172a'),
        noSigner,
      ),
    expected: '070a16b46b4d4144f79bdd9dd04a287c',
  },
  {
    // The GCM specification, test case 14.
    name: 'aes-gcm',
    compute: () =>
      perform.encrypt(
        {
          type: CKM.AES_GCM,
          parameter: { kind: 'gcm', iv: new Uint8Array(12), aad: new Uint8Array(), tagBits: 128 },
        },
        secret('00'.repeat(32)),
        new Uint8Array(16),
      ),
    expected: 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
  },
  {
    // RFC 3394, 4.6.
    name: 'aes-kw',
    compute: () =>
      perform.wrap(
        { type: CKM.AES_KEY_WRAP, parameter: none },
        secret('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'),
        Uint8Array.fromHex('00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f'),
      ),
    expected: '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21',
  },
  {
    // RFC 5649, 6: 20 octets.
    name: 'aes-kwp',
    compute: () =>
      perform.wrap(
        { type: CKM.AES_KEY_WRAP_KWP, parameter: none },
        secret('5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8'),
        Uint8Array.fromHex('c37b7e6492584340bed12207808941155068f738'),
      ),
    expected: '138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a',
  },
  {
    // RFC 5869, test case 1.
    name: 'hkdf',
    compute: () =>
      perform.derive(
        {
          type: CKM.HKDF_DERIVE,
          parameter: {
            kind: 'hkdf',
            extract: true,
            expand: true,
            hash: CKM.SHA256,
            salt: Uint8Array.fromHex('000102030405060708090a0b0c'),
            info: Uint8Array.fromHex('f0f1f2f3f4f5f6f7f8f9'),
          },
        },
        secret('0b'.repeat(22)),
        42,
      ),
    expected:
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  },
];

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

/** A signature is made, verified, and refused once a bit is flipped. */
function testSignature(
  signer: DigestSigner,
  name: string,
  mechanism: Mechanism,
  pair: { publicKey: KeyObject; privateKey: KeyObject },
): void {
  const data = utf8('strongroom self-test');
  const signature = perform.sign(mechanism, pair.privateKey, data, signer);
  if (!perform.verify(mechanism, pair.publicKey, data, signature, signer)) fail(name);
  const flipped = signature.slice();
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  let accepted: boolean;
  try {
    accepted = perform.verify(mechanism, pair.publicKey, data, flipped, signer);
  } catch {
    accepted = false;
  }
  if (accepted) fail(name);
}

/**
 * Known answers for every deterministic mechanism, sign-verify-refuse for every signature scheme, a
 * round trip of ML-KEM and OAEP, and the health of the random source.
 * @returns how many tests passed
 * @throws {KeysError} DEVICE_ERROR naming the first that failed: no key may be used
 */
export function runSelfTests(
  signer: DigestSigner,
  answers: readonly KnownAnswer[] = KNOWN_ANSWERS,
  random: (length: number) => Uint8Array = randomBytes,
): number {
  testRandomSource(random);
  let count = 1;
  for (const { name, compute, expected } of answers) {
    if (!equalBytes(compute(), Uint8Array.fromHex(expected))) fail(name);
    count++;
  }
  const pairs = generateSelfTestPairs();
  for (const { name, mechanism, pair } of pairs.signatures) {
    testSignature(signer, name, mechanism, pair);
    count++;
  }
  const { ciphertext, secret: sent } = perform.encapsulate(
    { type: CKM.ML_KEM, parameter: none },
    pairs.kem.publicKey,
  );
  const received = perform.decapsulate(
    { type: CKM.ML_KEM, parameter: none },
    pairs.kem.privateKey,
    ciphertext,
  );
  if (!equalBytes(sent, received)) fail('ml-kem');
  return count + 1;
}

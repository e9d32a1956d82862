// Wycheproof: ML-DSA and ML-KEM, through the engine.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { utf8 } from '../../../../src/bytes/text.ts';
import type { AttributeValue } from '../../../../src/keys/engine/attribute.ts';
import type { Mechanism } from '../../../../src/keys/engine/mechanism/mechanism.ts';
import { CKA, CKK, CKM, CKO, CKP } from '../../../../src/keys/engine/pkcs11.ts';
import { KeysError } from '../../../../src/keys/errors.ts';
import { derivedSecret, plain, startEngine } from '../../../support/engine.ts';
import { checkComplete, fingerprintOf, judge } from './vectors.ts';
import type { Tally, Vector } from './vectors.ts';

const engine = await startEngine();

const SETS = {
  mldsa_44: CKP.ML_DSA_44,
  mldsa_65: CKP.ML_DSA_65,
  mldsa_87: CKP.ML_DSA_87,
  mlkem_512: CKP.ML_KEM_512,
  mlkem_768: CKP.ML_KEM_768,
  mlkem_1024: CKP.ML_KEM_1024,
} as const;
type SetName = keyof typeof SETS;

function key(
  set: SetName,
  objectClass: number,
  attributes: readonly [number, AttributeValue][],
): string {
  const dsa = set.startsWith('mldsa');
  return engine.create([
    [CKA.CLASS, objectClass],
    [CKA.KEY_TYPE, dsa ? CKK.ML_DSA : CKK.ML_KEM],
    [CKA.PARAMETER_SET, SETS[set]],
    [CKA.STRONGROOM_PURPOSE, utf8(dsa ? 'sign' : 'kem')],
    ...attributes,
  ]);
}

/** The public value of a private key: the end of its SubjectPublicKeyInfo. */
function publicOf(privateKey: string, length: number): Uint8Array {
  const info = engine.attribute(privateKey, CKA.PUBLIC_KEY_INFO);
  assert.ok(info instanceof Uint8Array);
  return info.slice(info.length - length);
}

function mlDsa(vector: Vector): Mechanism {
  return vector.has('ctx')
    ? {
        type: CKM.ML_DSA,
        parameter: { kind: 'mldsa', context: vector.bytes('ctx'), hedge: false },
      }
    : plain(CKM.ML_DSA);
}

function message(vector: Vector): Uint8Array {
  if (vector.has('msg')) return vector.bytes('msg');
  throw new KeysError('MECHANISM_INVALID', 'the engine takes messages, not what was made of them');
}

function verified(set: SetName, expected: Tally): void {
  test(`${set}_verify`, () => {
    judge(`${set}_verify`, expected, (vector) => {
      const publicKey = key(set, CKO.PUBLIC_KEY, [[CKA.VALUE, vector.bytes('publicKey')]]);
      const signature = vector.bytes('sig');
      const data = message(vector);
      engine.run({ verb: 'verify', key: publicKey, mechanism: mlDsa(vector), data, signature });
      engine.clear();
    });
  });
}

/**
 * The key of the file has the file's public key and accepts the file's signature, and so does what
 * the engine signs with it: it never signs without fresh randomness, so the bytes differ.
 */
function signed(file: string, set: SetName, expected: Tally, form: 'seed' | 'expanded'): void {
  test(file, () => {
    judge(file, expected, (vector) => {
      const privateKey = key(set, CKO.PRIVATE_KEY, [
        form === 'seed'
          ? [CKA.SEED, vector.bytes('privateSeed')]
          : [CKA.VALUE, vector.bytes('privateKey')],
      ]);
      const value = vector.bytes('publicKey');
      assert.deepEqual(publicOf(privateKey, value.length), value);
      const publicKey = key(set, CKO.PUBLIC_KEY, [[CKA.VALUE, value]]);
      const [mechanism, data] = [mlDsa(vector), message(vector)];
      const made = engine.run({ verb: 'sign', key: privateKey, mechanism, data });
      for (const signature of [vector.bytes('sig'), made]) {
        engine.run({ verb: 'verify', key: publicKey, mechanism, data, signature });
      }
      assert.notDeepEqual(new Uint8Array(made), vector.bytes('sig'));
      engine.clear();
    });
  });
}

function decapsulated(privateKey: string, ciphertext: Uint8Array): Uint8Array {
  const secret = engine.run({
    verb: 'decapsulate',
    mechanism: plain(CKM.ML_KEM),
    privateKey,
    ciphertext,
    template: derivedSecret(),
  });
  return new Uint8Array(engine.fingerprint(secret));
}

/** The key of the seed, or the expanded one, has the right public key and opens the ciphertext. */
function decaps(file: string, set: SetName, expected: Tally, form: 'seed' | 'dk'): void {
  test(file, () => {
    judge(file, expected, (vector) => {
      const privateKey = key(set, CKO.PRIVATE_KEY, [
        [form === 'seed' ? CKA.SEED : CKA.VALUE, vector.bytes(form)],
      ]);
      const value = vector.bytes('ek');
      assert.deepEqual(publicOf(privateKey, value.length), value);
      const secret = decapsulated(privateKey, vector.bytes('c'));
      assert.deepEqual(secret, new Uint8Array(fingerprintOf(vector.bytes('K'))));
      engine.clear();
    });
  });
}

/** A wrong public key is refused at import; a right one encapsulates, with randomness of its own. */
function encaps(set: SetName, expected: Tally): void {
  test(`${set}_encaps`, () => {
    judge(`${set}_encaps`, expected, (vector) => {
      const publicKey = key(set, CKO.PUBLIC_KEY, [[CKA.VALUE, vector.bytes('ek')]]);
      const { ciphertext } = engine.run({
        verb: 'encapsulate',
        mechanism: plain(CKM.ML_KEM),
        publicKey,
        template: derivedSecret(),
      });
      assert.equal(ciphertext.length, vector.bytes('c').length);
      engine.clear();
    });
  });
}

/** From the seed comes the file's public key; what is encapsulated to that opens again. */
function keyGeneration(set: SetName): void {
  test(`${set}_keygen_seed`, () => {
    judge(`${set}_keygen_seed`, { accepted: 100, refused: 0 }, (vector) => {
      const privateKey = key(set, CKO.PRIVATE_KEY, [[CKA.SEED, vector.bytes('seed')]]);
      const value = vector.bytes('ek');
      assert.deepEqual(publicOf(privateKey, value.length), value);
      const { ciphertext, secret } = engine.run({
        verb: 'encapsulate',
        mechanism: plain(CKM.ML_KEM),
        publicKey: key(set, CKO.PUBLIC_KEY, [[CKA.VALUE, value]]),
        template: derivedSecret(),
      });
      const opened = decapsulated(privateKey, ciphertext);
      assert.deepEqual(opened, new Uint8Array(engine.fingerprint(secret)));
      engine.clear();
    });
  });
}

describe('Wycheproof, lattices', () => {
  verified('mldsa_44', { accepted: 77, refused: 103 });
  verified('mldsa_65', { accepted: 79, refused: 131 });
  verified('mldsa_87', { accepted: 71, refused: 170 });
  signed('mldsa_44_sign_seed', 'mldsa_44', { accepted: 74, refused: 12 }, 'seed');
  signed('mldsa_65_sign_seed', 'mldsa_65', { accepted: 84, refused: 21 }, 'seed');
  signed('mldsa_87_sign_seed', 'mldsa_87', { accepted: 75, refused: 21 }, 'seed');
  signed('mldsa_44_sign_noseed', 'mldsa_44', { accepted: 61, refused: 12 }, 'expanded');
  decaps('mlkem_512', 'mlkem_512', { accepted: 153, refused: 40 }, 'seed');
  decaps('mlkem_768', 'mlkem_768', { accepted: 153, refused: 40 }, 'seed');
  decaps('mlkem_1024', 'mlkem_1024', { accepted: 153, refused: 40 }, 'seed');
  const semi = { accepted: 3, refused: 6 };
  decaps('mlkem_512_semi_expanded_decaps', 'mlkem_512', semi, 'dk');
  decaps('mlkem_768_semi_expanded_decaps', 'mlkem_768', semi, 'dk');
  decaps('mlkem_1024_semi_expanded_decaps', 'mlkem_1024', semi, 'dk');
  encaps('mlkem_512', { accepted: 133, refused: 128 });
  encaps('mlkem_768', { accepted: 133, refused: 132 });
  encaps('mlkem_1024', { accepted: 133, refused: 136 });
  keyGeneration('mlkem_512');
  keyGeneration('mlkem_768');
  keyGeneration('mlkem_1024');

  test('no file is left out, and every exception covers what it says', () =>
    checkComplete('lattice'));
});

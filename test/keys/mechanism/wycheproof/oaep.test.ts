// Wycheproof: RSA-OAEP, through the engine.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { utf8 } from '../../../../src/bytes/text.ts';
import type { AttributeValue } from '../../../../src/keys/engine/attribute.ts';
import type { Mechanism } from '../../../../src/keys/engine/mechanism/mechanism.ts';
import { CKA, CKG, CKK, CKM, CKO } from '../../../../src/keys/engine/pkcs11.ts';
import { KeysError } from '../../../../src/keys/errors.ts';
import { startEngine } from '../../../support/engine.ts';
import { checkComplete, judge } from './vectors.ts';
import type { Tally, Vector } from './vectors.ts';

const engine = await startEngine();

const HASHES: ReadonlyMap<string, { readonly hash: number; readonly mgf: number }> = new Map([
  ['SHA-1', { hash: CKM.SHA_1, mgf: CKG.MGF1_SHA1 }],
  ['SHA-224', { hash: CKM.SHA224, mgf: CKG.MGF1_SHA224 }],
  ['SHA-256', { hash: CKM.SHA256, mgf: CKG.MGF1_SHA256 }],
  ['SHA-384', { hash: CKM.SHA384, mgf: CKG.MGF1_SHA384 }],
  ['SHA-512', { hash: CKM.SHA512, mgf: CKG.MGF1_SHA512 }],
]);

const PARTS: readonly (readonly [number, string])[] = [
  [CKA.MODULUS, 'modulus'],
  [CKA.PUBLIC_EXPONENT, 'publicExponent'],
  [CKA.PRIVATE_EXPONENT, 'privateExponent'],
  [CKA.PRIME_1, 'prime1'],
  [CKA.PRIME_2, 'prime2'],
  [CKA.EXPONENT_1, 'exponent1'],
  [CKA.EXPONENT_2, 'exponent2'],
  [CKA.COEFFICIENT, 'coefficient'],
];

/** Both halves, from the components that PKCS#11 names. */
function pairOf(vector: Vector): { privateKey: string; publicKey: string } {
  const components = PARTS.map(([type, name]): [number, AttributeValue] => [
    type,
    vector.part('privateKey', name),
  ]);
  const common: [number, AttributeValue][] = [
    [CKA.KEY_TYPE, CKK.RSA],
    [CKA.STRONGROOM_PURPOSE, utf8('encrypt')],
  ];
  return {
    privateKey: engine.create([[CKA.CLASS, CKO.PRIVATE_KEY], ...common, ...components]),
    publicKey: engine.create([[CKA.CLASS, CKO.PUBLIC_KEY], ...common, ...components.slice(0, 2)]),
  };
}

const pairs = new Map<object, ReturnType<typeof pairOf>>();

function mechanismOf(vector: Vector): Mechanism {
  const { hash } = HASHES.get(vector.text('sha')) ?? { hash: 0 };
  const { mgf } = HASHES.get(vector.text('mgfSha')) ?? { mgf: 0 };
  return {
    type: CKM.RSA_PKCS_OAEP,
    parameter: { kind: 'oaep', hash, mgf, label: vector.bytes('label') },
  };
}

/** Decrypts, and encrypts the message again to what decrypts to the same. */
function oaep(file: string, expected: Tally): void {
  test(file, () => {
    judge(file, expected, (vector) => {
      const pair = pairs.get(vector.group) ?? pairOf(vector);
      pairs.set(vector.group, pair);
      const mechanism = mechanismOf(vector);
      const open = (data: Uint8Array): Uint8Array =>
        new Uint8Array(engine.run({ verb: 'decrypt', key: pair.privateKey, mechanism, data }));
      const clear = open(vector.bytes('ct'));
      assert.deepEqual(clear, vector.bytes('msg'));
      const sealed = engine.run({
        verb: 'encrypt',
        key: pair.publicKey,
        mechanism,
        data: clear,
      });
      assert.deepEqual(open(sealed), clear);
    });
  });
}

describe('Wycheproof, RSA-OAEP', () => {
  oaep('rsa_oaep_2048_sha1_mgf1sha1', { accepted: 17, refused: 19 });
  oaep('rsa_oaep_2048_sha224_mgf1sha224', { accepted: 17, refused: 18 });
  oaep('rsa_oaep_2048_sha256_mgf1sha1', { accepted: 0, refused: 31 });
  oaep('rsa_oaep_2048_sha256_mgf1sha256', { accepted: 18, refused: 19 });
  oaep('rsa_oaep_2048_sha384_mgf1sha384', { accepted: 16, refused: 18 });
  oaep('rsa_oaep_2048_sha512_mgf1sha512', { accepted: 14, refused: 19 });
  oaep('rsa_oaep_3072_sha256_mgf1sha256', { accepted: 18, refused: 19 });
  oaep('rsa_oaep_3072_sha512_mgf1sha512', { accepted: 15, refused: 18 });
  oaep('rsa_oaep_4096_sha256_mgf1sha256', { accepted: 18, refused: 19 });
  oaep('rsa_oaep_4096_sha512_mgf1sha512', { accepted: 17, refused: 19 });
  oaep('rsa_oaep_misc', { accepted: 62, refused: 333 });

  test('no file is left out, and every exception covers what it says', () => checkComplete('oaep'));

  test('a refusal does not tell what was wrong with the padding', () => {
    const codes = new Set<string>();
    judge('rsa_oaep_2048_sha256_mgf1sha256', { accepted: 18, refused: 19 }, (vector) => {
      const pair = pairs.get(vector.group) ?? pairOf(vector);
      const data = vector.bytes('ct');
      try {
        engine.run({ verb: 'decrypt', key: pair.privateKey, mechanism: mechanismOf(vector), data });
      } catch (error) {
        if (error instanceof KeysError) codes.add(`${error.code} ${error.message}`);
        throw error;
      }
    });
    assert.equal(codes.size, 1);
  });
});

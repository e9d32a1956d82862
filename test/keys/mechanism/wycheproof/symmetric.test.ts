// Wycheproof: AES-GCM, CBC with padding, CMAC, KW, KWP, HMAC, through the engine.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Mechanism } from '../../../../src/keys/engine/mechanism/mechanism.ts';
import { concat } from '../../../../src/bytes/text.ts';
import { CKA, CKK, CKM } from '../../../../src/keys/engine/pkcs11.ts';
import { derivedSecret, plain, startEngine } from '../../../support/engine.ts';
import { checkComplete, fingerprintOf, judge } from './vectors.ts';
import type { Tally, Vector } from './vectors.ts';

const engine = await startEngine();

/** Encrypts and decrypts: the one must give the ciphertext, the other the message. */
function cipher(
  file: string,
  expected: Tally,
  mechanismOf: (vector: Vector) => Mechanism,
  sealedOf: (vector: Vector) => Uint8Array,
): void {
  test(file, () => {
    judge(file, expected, (vector) => {
      const key = engine.secret(vector.bytes('key'), 'encrypt', CKK.AES);
      const mechanism = mechanismOf(vector);
      const sealed = sealedOf(vector);
      const clear = vector.bytes('msg');
      const opened = engine.run({ verb: 'decrypt', key, mechanism, data: sealed });
      assert.deepEqual(new Uint8Array(opened), clear);
      const made = engine.run({ verb: 'encrypt', key, mechanism, data: clear });
      assert.deepEqual(new Uint8Array(made), sealed);
      engine.clear();
    });
  });
}

function mac(file: string, expected: Tally, type: number, keyType: number): void {
  test(file, () => {
    judge(file, expected, (vector) => {
      const key = engine.secret(vector.bytes('key'), 'mac', keyType);
      const [data, tag] = [vector.bytes('msg'), vector.bytes('tag')];
      const made = engine.run({ verb: 'sign', key, mechanism: plain(type), data });
      const begins = Buffer.from(made.subarray(0, tag.length)).equals(tag);
      assert.equal(begins, vector.result === 'valid', `${file} ${vector.id}: the MAC itself`);
      engine.run({ verb: 'verify', key, mechanism: plain(type), data, signature: tag });
      engine.clear();
    });
  });
}

/** Unwraps to a key of the right value, and wraps a key of that value to the same bytes. */
function wrapping(file: string, expected: Tally, type: number): void {
  test(file, () => {
    const mechanism = plain(type);
    const attempt = (vector: Vector): void => {
      const kek = engine.secret(vector.bytes('key'), 'wrap', CKK.AES);
      const key = engine.run({
        verb: 'unwrap',
        mechanism,
        unwrappingKey: kek,
        wrapped: vector.bytes('ct'),
        template: new Map([...derivedSecret(), [CKA.EXTRACTABLE, true]]),
      });
      assert.deepEqual(
        new Uint8Array(engine.fingerprint(key)),
        new Uint8Array(fingerprintOf(vector.bytes('msg'))),
      );
      const wrapped = engine.run({ verb: 'wrap', mechanism, wrappingKey: kek, key });
      assert.deepEqual(new Uint8Array(wrapped), vector.bytes('ct'));
      engine.clear();
    };
    // Not because of what came out: an empty input unwraps to nothing in OpenSSL.
    judge(file, expected, attempt, 'WRAPPED_KEY_INVALID');
  });
}

describe('Wycheproof, secret keys', () => {
  cipher(
    'aes_gcm',
    { accepted: 189, refused: 127 },
    (vector) => ({
      type: CKM.AES_GCM,
      parameter: {
        kind: 'gcm',
        iv: vector.bytes('iv'),
        aad: vector.bytes('aad'),
        tagBits: vector.number('tagSize'),
      },
    }),
    (vector) => concat(vector.bytes('ct'), vector.bytes('tag')),
  );
  cipher(
    'aes_cbc_pkcs5',
    { accepted: 72, refused: 144 },
    (vector) => ({
      type: CKM.AES_CBC_PAD,
      parameter: { kind: 'iv', iv: vector.bytes('iv') },
    }),
    (vector) => vector.bytes('ct'),
  );
  mac('aes_cmac', { accepted: 63, refused: 248 }, CKM.AES_CMAC, CKK.AES);
  // Half of the valid tags are shortened, and refused.
  mac('hmac_sha224', { accepted: 33, refused: 139 }, CKM.SHA224_HMAC, CKK.SHA224_HMAC);
  mac('hmac_sha256', { accepted: 33, refused: 141 }, CKM.SHA256_HMAC, CKK.SHA256_HMAC);
  mac('hmac_sha384', { accepted: 33, refused: 141 }, CKM.SHA384_HMAC, CKK.SHA384_HMAC);
  mac('hmac_sha512', { accepted: 33, refused: 141 }, CKM.SHA512_HMAC, CKK.SHA512_HMAC);
  mac('hmac_sha512_224', { accepted: 33, refused: 140 }, CKM.SHA512_224_HMAC, CKK.SHA512_224_HMAC);
  mac('hmac_sha512_256', { accepted: 33, refused: 142 }, CKM.SHA512_256_HMAC, CKK.SHA512_256_HMAC);
  mac('hmac_sha3_224', { accepted: 33, refused: 139 }, CKM.SHA3_224_HMAC, CKK.SHA3_224_HMAC);
  mac('hmac_sha3_256', { accepted: 33, refused: 141 }, CKM.SHA3_256_HMAC, CKK.SHA3_256_HMAC);
  mac('hmac_sha3_384', { accepted: 33, refused: 141 }, CKM.SHA3_384_HMAC, CKK.SHA3_384_HMAC);
  mac('hmac_sha3_512', { accepted: 33, refused: 141 }, CKM.SHA3_512_HMAC, CKK.SHA3_512_HMAC);
  wrapping('aes_wrap', { accepted: 36, refused: 129 }, CKM.AES_KEY_WRAP);
  wrapping('aes_kwp', { accepted: 37, refused: 217 }, CKM.AES_KEY_WRAP_KWP);

  test('no file is left out, and every exception covers what it says', () =>
    checkComplete('symmetric'));
});

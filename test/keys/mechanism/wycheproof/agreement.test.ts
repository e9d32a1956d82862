// Wycheproof: ECDH on every curve, X25519, X448, HKDF, through the engine. A derived key does not
// leave it: what it signs tells whether its value is the right one.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { utf8 } from '../../../../src/bytes/text.ts';
import type { AttributeValue } from '../../../../src/keys/engine/attribute.ts';
import type { MechanismParameter } from '../../../../src/keys/engine/mechanism/mechanism.ts';
import { CKA, CKD, CKK, CKM, CKO } from '../../../../src/keys/engine/pkcs11.ts';
import { derivedSecret, startEngine } from '../../../support/engine.ts';
import { checkComplete, fingerprintOf, judge } from './vectors.ts';
import type { Tally, Vector } from './vectors.ts';

const engine = await startEngine();

const OID = {
  secp256k1: '06052b8104000a',
  secp256r1: '06082a8648ce3d030107',
  secp384r1: '06052b81040022',
  secp521r1: '06052b81040023',
  x25519: '06032b656e',
  x448: '06032b656f',
} as const;

/** The private key as its value on a curve, or as PKCS#8 where the file has that. */
function privateKey(vector: Vector, keyType: number, oid: string): string {
  const digits = vector.text('private');
  const value = Uint8Array.fromHex(digits.length % 2 === 0 ? digits : `0${digits}`);
  const isPkcs8 = vector.file.endsWith('_asn');
  const components: readonly (readonly [number, AttributeValue])[] = isPkcs8
    ? [[CKA.VALUE, value]]
    : [
        [CKA.EC_PARAMS, Uint8Array.fromHex(oid)],
        [CKA.VALUE, value],
      ];
  return engine.create([
    [CKA.CLASS, CKO.PRIVATE_KEY],
    [CKA.KEY_TYPE, keyType],
    [CKA.STRONGROOM_PURPOSE, utf8('derive')],
    ...components,
  ]);
}

function agreement(file: string, expected: Tally, curve: keyof typeof OID): void {
  test(file, () => {
    const keyType = curve.startsWith('x') ? CKK.EC_MONTGOMERY : CKK.EC;
    judge(file, expected, (vector) => {
      const parameter: MechanismParameter = {
        kind: 'ecdh',
        kdf: CKD.NULL,
        sharedData: new Uint8Array(),
        publicData: vector.bytes('public'),
      };
      const key = engine.run({
        verb: 'derive',
        mechanism: { type: CKM.ECDH1_DERIVE, parameter },
        baseKey: privateKey(vector, keyType, OID[curve]),
        template: derivedSecret(),
      });
      assert.deepEqual(
        new Uint8Array(engine.fingerprint(key)),
        new Uint8Array(fingerprintOf(vector.bytes('shared'))),
      );
      engine.clear();
    });
  });
}

/** Whole, and in its two steps: extraction to a key, and expansion of that. */
function hkdf(file: string, expected: Tally, hash: number): void {
  test(file, () => {
    judge(file, expected, (vector) => {
      const length = vector.number('size');
      const step = (baseKey: string, extract: boolean, expand: boolean): string =>
        engine.run({
          verb: 'derive',
          mechanism: {
            type: CKM.HKDF_DERIVE,
            parameter: {
              kind: 'hkdf',
              extract,
              expand,
              hash,
              salt: vector.bytes('salt'),
              info: vector.bytes('info'),
            },
          },
          baseKey,
          template: expand
            ? derivedSecret(length)
            : new Map([...derivedSecret(), [CKA.STRONGROOM_PURPOSE, utf8('derive')]]),
        });
      const base = engine.secret(vector.bytes('ikm'), 'derive', CKK.HKDF);
      const right = new Uint8Array(fingerprintOf(vector.bytes('okm')));
      assert.deepEqual(new Uint8Array(engine.fingerprint(step(base, true, true))), right);
      const extracted = step(base, true, false);
      assert.deepEqual(new Uint8Array(engine.fingerprint(step(extracted, false, true))), right);
      engine.clear();
    });
  });
}

describe('Wycheproof, keys from keys', () => {
  agreement('ecdh_secp256k1', { accepted: 473, refused: 279 }, 'secp256k1');
  agreement('ecdh_secp256r1', { accepted: 330, refused: 282 }, 'secp256r1');
  agreement('ecdh_secp384r1', { accepted: 771, refused: 276 }, 'secp384r1');
  agreement('ecdh_secp521r1', { accepted: 632, refused: 284 }, 'secp521r1');
  agreement('ecdh_secp256r1_ecpoint', { accepted: 330, refused: 25 }, 'secp256r1');
  agreement('ecdh_secp384r1_ecpoint', { accepted: 771, refused: 19 }, 'secp384r1');
  agreement('ecdh_secp521r1_ecpoint', { accepted: 632, refused: 29 }, 'secp521r1');
  agreement('x25519', { accepted: 487, refused: 31 }, 'x25519');
  agreement('x25519_asn', { accepted: 487, refused: 50 }, 'x25519');
  agreement('x448', { accepted: 487, refused: 23 }, 'x448');
  agreement('x448_asn', { accepted: 487, refused: 42 }, 'x448');
  hkdf('hkdf_sha256', { accepted: 80, refused: 6 }, CKM.SHA256);
  hkdf('hkdf_sha384', { accepted: 77, refused: 6 }, CKM.SHA384);
  hkdf('hkdf_sha512', { accepted: 77, refused: 6 }, CKM.SHA512);

  test('no file is left out, and every exception covers what it says', () =>
    checkComplete('agreement'));
});

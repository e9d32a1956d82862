// Wycheproof: ECDSA, EdDSA, RSA PKCS#1 v1.5 and PSS, through the engine. Where a mechanism over a
// ready-made digest exists, it judges each vector too.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { concat, utf8 } from '../../../../src/bytes/text.ts';
import type { AttributeValue } from '../../../../src/keys/engine/attribute.ts';
import type { Mechanism } from '../../../../src/keys/engine/mechanism/mechanism.ts';
import { CKA, CKG, CKK, CKM, CKO } from '../../../../src/keys/engine/pkcs11.ts';
import { KeysError } from '../../../../src/keys/errors.ts';
import { plain, startEngine } from '../../../support/engine.ts';
import { checkComplete, judge } from './vectors.ts';
import type { Tally, Vector } from './vectors.ts';

const engine = await startEngine();

/** What each hash is called in the files, and its mechanisms. */
const HASHES = {
  'SHA-1': { hash: CKM.SHA_1, mgf: CKG.MGF1_SHA1 },
  'SHA-224': {
    hash: CKM.SHA224,
    mgf: CKG.MGF1_SHA224,
    name: 'sha224',
    pkcs1: CKM.SHA224_RSA_PKCS,
    pss: CKM.SHA224_RSA_PKCS_PSS,
    ecdsa: CKM.ECDSA_SHA224,
    digestInfo: '302d300d06096086480165030402040500041c',
  },
  'SHA-256': {
    hash: CKM.SHA256,
    mgf: CKG.MGF1_SHA256,
    name: 'sha256',
    pkcs1: CKM.SHA256_RSA_PKCS,
    pss: CKM.SHA256_RSA_PKCS_PSS,
    ecdsa: CKM.ECDSA_SHA256,
    digestInfo: '3031300d060960864801650304020105000420',
  },
  'SHA-384': {
    hash: CKM.SHA384,
    mgf: CKG.MGF1_SHA384,
    name: 'sha384',
    pkcs1: CKM.SHA384_RSA_PKCS,
    pss: CKM.SHA384_RSA_PKCS_PSS,
    ecdsa: CKM.ECDSA_SHA384,
    digestInfo: '3041300d060960864801650304020205000430',
  },
  'SHA-512': {
    hash: CKM.SHA512,
    mgf: CKG.MGF1_SHA512,
    name: 'sha512',
    pkcs1: CKM.SHA512_RSA_PKCS,
    pss: CKM.SHA512_RSA_PKCS_PSS,
    ecdsa: CKM.ECDSA_SHA512,
    digestInfo: '3051300d060960864801650304020305000440',
  },
} as const;

type Hash = Exclude<(typeof HASHES)[keyof typeof HASHES], { hash: typeof CKM.SHA_1 }>;

function hashOf(vector: Vector): Hash {
  const info = HASHES[vector.text('sha') as keyof typeof HASHES];
  if ('name' in info) return info;
  throw new KeysError('MECHANISM_INVALID', 'the engine has no mechanism with this hash');
}

function digestOf(vector: Vector): Uint8Array {
  return createHash(hashOf(vector).name).update(vector.bytes('msg')).digest();
}

const keys = new Map<object, string | KeysError>();

/** One import for each group. */
function imported(vector: Vector, attributes: () => [number, AttributeValue][]): string {
  let key = keys.get(vector.group);
  if (key === undefined) {
    try {
      key = engine.create([
        [CKA.CLASS, CKO.PUBLIC_KEY],
        [CKA.STRONGROOM_PURPOSE, utf8('sign')],
        ...attributes(),
      ]);
    } catch (error) {
      if (!(error instanceof KeysError)) throw error;
      key = error;
    }
    keys.set(vector.group, key);
  }
  if (key instanceof KeysError) throw key;
  return key;
}

function outcomeOf(key: string, mechanism: Mechanism, data: Uint8Array, signature: Uint8Array) {
  try {
    engine.run({ verb: 'verify', key, mechanism, data, signature });
    return undefined;
  } catch (error) {
    if (error instanceof KeysError) return error;
    throw error;
  }
}

/** Both mechanisms must come to the same end; a refusal goes on to the judge. */
function bothVerify(
  key: string,
  whole: readonly [Mechanism, Uint8Array],
  raw: readonly [Mechanism, Uint8Array],
  signature: Uint8Array,
): void {
  const first = outcomeOf(key, whole[0], whole[1], signature);
  const second = outcomeOf(key, raw[0], raw[1], signature);
  assert.equal(first?.code, second?.code, 'over the message and over its digest');
  if (first !== undefined) throw first;
}

const OID = {
  secp256k1: '06052b8104000a',
  secp256r1: '06082a8648ce3d030107',
  secp384r1: '06052b81040022',
  secp521r1: '06052b81040023',
} as const;

/**
 * `r ‖ s` of a DER signature. What is not DER to the letter, or has numbers that do not fit, cannot
 * even be said here.
 */
function fixedWidth(der: Uint8Array, size: number): Uint8Array {
  const bad = new KeysError('SIGNATURE_LEN_RANGE', 'this signature has no form of fixed width');
  const numbers: Uint8Array[] = [];
  let at = (der[1] ?? 0) === 0x81 ? 3 : 2;
  const length = der[at - 1] ?? 0;
  if (der[0] !== 0x30 || (at === 3) !== length >= 0x80 || at + length !== der.length) throw bad;
  for (let count = 0; count < 2; count++) {
    const end = at + 2 + (der[at + 1] ?? 0);
    let value = der.subarray(at + 2, end);
    const negative = (value[0] ?? 0) >= 0x80;
    const padded = value.length > 1 && value[0] === 0 && (value[1] ?? 0) < 0x80;
    if (der[at] !== 0x02 || end > der.length || value.length === 0 || negative || padded) throw bad;
    if (value[0] === 0) value = value.subarray(1);
    if (value.length > size) throw bad;
    numbers.push(concat(new Uint8Array(size - value.length), value));
    at = end;
  }
  if (at !== der.length) throw bad;
  return concat(...numbers);
}

function ecdsa(file: string, expected: Tally, curve: keyof typeof OID, size: number): void {
  test(file, () => {
    judge(file, expected, (vector) => {
      const key = imported(vector, () => [
        [CKA.KEY_TYPE, CKK.EC],
        [CKA.EC_PARAMS, Uint8Array.fromHex(OID[curve])],
        [CKA.EC_POINT, vector.part('publicKey', 'uncompressed')],
      ]);
      const given = vector.bytes('sig');
      const signature = file.endsWith('_p1363') ? given : fixedWidth(given, size);
      bothVerify(
        key,
        [plain(hashOf(vector).ecdsa), vector.bytes('msg')],
        [plain(CKM.ECDSA), digestOf(vector)],
        signature,
      );
    });
  });
}

function eddsa(file: string, expected: Tally, oid: string): void {
  test(file, () => {
    judge(file, expected, (vector) => {
      const point = vector.part('publicKey', 'pk');
      const key = imported(vector, () => [
        [CKA.KEY_TYPE, CKK.EC_EDWARDS],
        [CKA.EC_PARAMS, Uint8Array.fromHex(oid)],
        [CKA.EC_POINT, concat(Uint8Array.of(4, point.length), point)],
      ]);
      engine.run({
        verb: 'verify',
        key,
        mechanism: plain(CKM.EDDSA),
        data: vector.bytes('msg'),
        signature: vector.bytes('sig'),
      });
    });
  });
}

function rsaKey(vector: Vector): string {
  return imported(vector, () => [
    [CKA.KEY_TYPE, CKK.RSA],
    [CKA.MODULUS, vector.part('publicKey', 'modulus')],
    [CKA.PUBLIC_EXPONENT, vector.part('publicKey', 'publicExponent')],
  ]);
}

function pkcs1(file: string, expected: Tally): void {
  test(file, () => {
    judge(file, expected, (vector) => {
      const { digestInfo, pkcs1: type } = hashOf(vector);
      bothVerify(
        rsaKey(vector),
        [plain(type), vector.bytes('msg')],
        [plain(CKM.RSA_PKCS), concat(Uint8Array.fromHex(digestInfo), digestOf(vector))],
        vector.bytes('sig'),
      );
    });
  });
}

/** Deterministic: what the engine signs must be the signature of the file. */
function pkcs1Made(file: string, expected: Tally): void {
  test(file, () => {
    judge(file, expected, (vector) => {
      const { digestInfo, pkcs1: type } = hashOf(vector);
      const key = imported(vector, () => [
        [CKA.CLASS, CKO.PRIVATE_KEY],
        [CKA.VALUE, vector.bytes('privateKeyPkcs8')],
      ]);
      const data = vector.bytes('msg');
      const block = concat(Uint8Array.fromHex(digestInfo), digestOf(vector));
      const made = engine.run({ verb: 'sign', key, mechanism: plain(type), data });
      assert.deepEqual(new Uint8Array(made), vector.bytes('sig'));
      const raw = engine.run({ verb: 'sign', key, mechanism: plain(CKM.RSA_PKCS), data: block });
      assert.deepEqual(new Uint8Array(raw), vector.bytes('sig'));
    });
  });
}

function pss(file: string, expected: Tally): void {
  test(file, () => {
    judge(file, expected, (vector) => {
      const { hash, pss: type } = hashOf(vector);
      const mask = HASHES[vector.text('mgfSha') as keyof typeof HASHES] as Hash | undefined;
      if (mask === undefined) throw new KeysError('MECHANISM_PARAM_INVALID', 'no such mask');
      const saltLength = vector.number('sLen');
      const parameter = { kind: 'pss', hash, mgf: mask.mgf, saltLength } as const;
      bothVerify(
        rsaKey(vector),
        [{ type, parameter }, vector.bytes('msg')],
        [{ type: CKM.RSA_PKCS_PSS, parameter }, digestOf(vector)],
        vector.bytes('sig'),
      );
    });
  });
}

describe('Wycheproof, signatures', () => {
  ecdsa('ecdsa_secp256k1_sha256_p1363', { accepted: 167, refused: 85 }, 'secp256k1', 32);
  ecdsa('ecdsa_secp256k1_sha512_p1363', { accepted: 236, refused: 86 }, 'secp256k1', 32);
  ecdsa('ecdsa_secp256r1_sha256_p1363', { accepted: 173, refused: 89 }, 'secp256r1', 32);
  ecdsa('ecdsa_secp256r1_sha512_p1363', { accepted: 242, refused: 90 }, 'secp256r1', 32);
  ecdsa('ecdsa_secp384r1_sha256', { accepted: 162, refused: 310 }, 'secp384r1', 48);
  ecdsa('ecdsa_secp384r1_sha384_p1363', { accepted: 193, refused: 87 }, 'secp384r1', 48);
  ecdsa('ecdsa_secp384r1_sha512_p1363', { accepted: 230, refused: 88 }, 'secp384r1', 48);
  ecdsa('ecdsa_secp521r1_sha512_p1363', { accepted: 231, refused: 87 }, 'secp521r1', 66);
  eddsa('ed25519', { accepted: 88, refused: 63 }, '06032b6570');
  eddsa('ed448', { accepted: 17, refused: 70 }, '06032b6571');
  pkcs1('rsa_signature_2048_sha224', { accepted: 7, refused: 251 });
  pkcs1('rsa_signature_2048_sha256', { accepted: 9, refused: 250 });
  pkcs1('rsa_signature_2048_sha384', { accepted: 7, refused: 251 });
  pkcs1('rsa_signature_2048_sha512', { accepted: 8, refused: 251 });
  pkcs1('rsa_signature_3072_sha256', { accepted: 8, refused: 251 });
  pkcs1('rsa_signature_3072_sha384', { accepted: 7, refused: 252 });
  pkcs1('rsa_signature_3072_sha512', { accepted: 8, refused: 252 });
  pkcs1('rsa_signature_4096_sha256', { accepted: 7, refused: 251 });
  pkcs1('rsa_signature_4096_sha384', { accepted: 7, refused: 252 });
  pkcs1('rsa_signature_4096_sha512', { accepted: 7, refused: 252 });
  pkcs1Made('rsa_pkcs1_2048_sig_gen', { accepted: 35, refused: 8 });
  pkcs1Made('rsa_pkcs1_3072_sig_gen', { accepted: 26, refused: 0 });
  pkcs1Made('rsa_pkcs1_4096_sig_gen', { accepted: 24, refused: 0 });
  pss('rsa_pss_2048_sha256_mgf1_0', { accepted: 61, refused: 42 });
  pss('rsa_pss_2048_sha256_mgf1_32', { accepted: 63, refused: 45 });
  pss('rsa_pss_2048_sha384_mgf1_48', { accepted: 95, refused: 46 });
  pss('rsa_pss_3072_sha256_mgf1_32', { accepted: 63, refused: 45 });
  pss('rsa_pss_4096_sha256_mgf1_32', { accepted: 63, refused: 45 });
  pss('rsa_pss_4096_sha384_mgf1_48', { accepted: 95, refused: 46 });
  pss('rsa_pss_4096_sha512_mgf1_32', { accepted: 132, refused: 45 });
  pss('rsa_pss_4096_sha512_mgf1_64', { accepted: 132, refused: 47 });
  pss('rsa_pss_misc', { accepted: 24, refused: 126 });

  test('no file is left out, and every exception covers what it says', () =>
    checkComplete('signature'));
});

// Answers of NIST and the IETF where Wycheproof has none, and operations in parts against whole ones.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { concat, utf8 } from '../../../src/bytes/text.ts';
import { createDigest } from '../../../src/keys/engine/mechanism/digest.ts';
import type { Mechanism } from '../../../src/keys/engine/mechanism/mechanism.ts';
import { CKA, CKG, CKK, CKM, CKO } from '../../../src/keys/engine/pkcs11.ts';
import type { ObjectId, PartedOperation } from '../../../src/keys/engine/request.ts';
import { RSA_KEY } from '../../../src/keys/engine/self-test/rsa-key.ts';
import { plain, startEngine } from '../../support/engine.ts';

const engine = await startEngine();
/** Keeps its keys, where the other is cleared by each test. */
const keeping = await startEngine();
const hex = (digits: string): Uint8Array => Uint8Array.fromHex(digits);

function digestOf(type: number, data: Uint8Array): string {
  return new Uint8Array(createDigest(plain(type)).hash.update(data).digest()).toHex();
}

/** The plaintext of SP 800-38A, appendix F, and its keys. */
const CLEAR = hex(
  '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710',
);
const KEYS = [
  hex('2b7e151628aed2a6abf7158809cf4f3c'),
  hex('8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b'),
  hex('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4'),
] as const;

describe('published answers', () => {
  for (const [name, mechanism, answers] of [
    [
      'AES-CTR (SP 800-38A, F.5)',
      {
        type: CKM.AES_CTR,
        parameter: { kind: 'ctr', counterBits: 64, block: hex('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff') },
      },
      [
        '874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee',
        '1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e941e36b26bd1ebc670d1bd1d665620abf74f78a7f6d29809585a97daec58c6b050',
        '601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6',
      ],
    ],
    [
      'AES-CBC (SP 800-38A, F.2)',
      {
        type: CKM.AES_CBC,
        parameter: { kind: 'iv', iv: hex('000102030405060708090a0b0c0d0e0f') },
      },
      [
        '7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b273bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7',
        '4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd',
        'f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b',
      ],
    ],
  ] as const) {
    test(name, () => {
      for (const [index, answer] of answers.entries()) {
        const key = engine.secret(KEYS[index] as Uint8Array, 'encrypt', CKK.AES);
        const sealed = engine.run({ verb: 'encrypt', key, mechanism, data: CLEAR });
        assert.equal(new Uint8Array(sealed).toHex(), answer);
        const opened = engine.run({ verb: 'decrypt', key, mechanism, data: sealed });
        assert.deepEqual(new Uint8Array(opened), CLEAR);
      }
      engine.clear();
    });
  }

  test('SHA-3 of nothing and of 1600 bits of 0xa3 (FIPS 202 examples)', () => {
    const long = new Uint8Array(200).fill(0xa3);
    for (const [type, empty, filled] of [
      [
        CKM.SHA3_224,
        '6b4e03423667dbb73b6e15454f0eb1abd4597f9a1b078e3f5b5a6bc7',
        '9376816aba503f72f96ce7eb65ac095deee3be4bf9bbc2a1cb7e11e0',
      ],
      [
        CKM.SHA3_256,
        'a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a',
        '79f38adec5c20307a98ef76e8324afbfd46cfd81b22e3973c65fa1bd9de31787',
      ],
      [
        CKM.SHA3_384,
        '0c63a75b845e4f7d01107d852e4c2485c51a50aaaa94fc61995e71bbee983a2ac3713831264adb47fb6bd1e058d5f004',
        '1881de2ca7e41ef95dc4732b8f5f002b189cc1e42b74168ed1732649ce1dbcdd76197a31fd55ee989f2d7050dd473e8f',
      ],
      [
        CKM.SHA3_512,
        'a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a615b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26',
        'e76dfad22084a8b1467fcf2ffa58361bec7628edf5f3fdc0e4805dc48caeeca81b7c13c30adf52a3659584739a2df46be589c51ca1a4a8416df6545a1ce8ba00',
      ],
    ] as const) {
      assert.equal(digestOf(type, new Uint8Array()), empty);
      assert.equal(digestOf(type, long), filled);
    }
  });

  test('SHA-2 over two blocks (FIPS 180-4 examples)', () => {
    const text = utf8('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq');
    for (const [type, answer] of [
      [CKM.SHA224, '75388b16512776cc5dba5da1fd890150b0c6455cb4f58b1952522525'],
      [CKM.SHA256, '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'],
    ] as const) {
      assert.equal(digestOf(type, text), answer);
    }
  });

  test('EdDSA with a context (RFC 8032, 7.2 and 7.4), and without one where there must be', () => {
    const key = (oid: string, value: string): ObjectId =>
      engine.create([
        [CKA.CLASS, CKO.PRIVATE_KEY],
        [CKA.KEY_TYPE, CKK.EC_EDWARDS],
        [CKA.EC_PARAMS, hex(oid)],
        [CKA.VALUE, hex(value)],
      ]);
    const withContext = (context: Uint8Array, prehash = false): Mechanism => ({
      type: CKM.EDDSA,
      parameter: { kind: 'eddsa', prehash, context },
    });
    const ed448 = key(
      '06032b6571',
      'c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463afbea67c5e8d2877c5e3bc397a659949ef8021e954e0a12274e',
    );
    const signature = engine.run({
      verb: 'sign',
      key: ed448,
      mechanism: withContext(utf8('foo')),
      data: hex('03'),
    });
    assert.equal(
      new Uint8Array(signature).toHex(),
      'd4f8f6131770dd46f40867d6fd5d5055de43541f8c5e35abbcd001b32a89f7d2151f7647f11d8ca2ae279fb842d607217fce6e042f6815ea000c85741de5c8da1144a6a1aba7f96de42505d7a7298524fda538fccbbb754f578c1cad10d54d0d5428407e85dcbc98a49155c13764e66c3c00',
    );
    const ed25519 = key(
      '06032b6570',
      '0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6',
    );
    for (const mechanism of [
      withContext(new Uint8Array()),
      withContext(new Uint8Array(256)),
      withContext(utf8('foo'), true),
    ]) {
      const refused = { code: 'MECHANISM_PARAM_INVALID' };
      assert.throws(
        () => engine.run({ verb: 'sign', key: ed25519, mechanism, data: hex('03') }),
        refused,
      );
    }
    engine.clear();
  });
});

describe('in parts as whole', () => {
  const modulus: [number, Uint8Array][] = [
    [CKA.MODULUS, hex(RSA_KEY.modulus)],
    [CKA.PUBLIC_EXPONENT, hex(RSA_KEY.publicExponent)],
  ];
  const rsa = keeping.create([
    [CKA.CLASS, CKO.PRIVATE_KEY],
    [CKA.KEY_TYPE, CKK.RSA],
    ...modulus,
    [CKA.PRIVATE_EXPONENT, hex(RSA_KEY.privateExponent)],
    [CKA.PRIME_1, hex(RSA_KEY.prime1)],
    [CKA.PRIME_2, hex(RSA_KEY.prime2)],
    [CKA.EXPONENT_1, hex(RSA_KEY.exponent1)],
    [CKA.EXPONENT_2, hex(RSA_KEY.exponent2)],
    [CKA.COEFFICIENT, hex(RSA_KEY.coefficient)],
  ]);
  const rsaPublic = keeping.create([
    [CKA.CLASS, CKO.PUBLIC_KEY],
    [CKA.KEY_TYPE, CKK.RSA],
    ...modulus,
  ]);
  const aes = keeping.secret(KEYS[0], 'encrypt', CKK.AES);
  const cmac = keeping.secret(KEYS[0], 'mac', CKK.AES);
  const hmac = keeping.secret(KEYS[2], 'mac');
  const iv = new Uint8Array(16);

  /** Deterministic operations, so that both ways give the same bytes. */
  const operations: readonly (readonly [string, 'sign' | 'encrypt', ObjectId, Mechanism])[] = [
    ['CMAC', 'sign', cmac, plain(CKM.AES_CMAC)],
    ['HMAC-SHA256', 'sign', hmac, plain(CKM.SHA256_HMAC)],
    ['HMAC-SHA3-512', 'sign', hmac, plain(CKM.SHA3_512_HMAC)],
    ['PKCS#1 with SHA-384', 'sign', rsa, plain(CKM.SHA384_RSA_PKCS)],
    [
      'PSS without a salt',
      'sign',
      rsa,
      {
        type: CKM.SHA256_RSA_PKCS_PSS,
        parameter: { kind: 'pss', hash: CKM.SHA256, mgf: CKG.MGF1_SHA256, saltLength: 0 },
      },
    ],
    ['CBC-PAD', 'encrypt', aes, { type: CKM.AES_CBC_PAD, parameter: { kind: 'iv', iv } }],
    [
      'CTR',
      'encrypt',
      aes,
      { type: CKM.AES_CTR, parameter: { kind: 'ctr', counterBits: 128, block: iv } },
    ],
    [
      'GCM',
      'encrypt',
      aes,
      { type: CKM.AES_GCM, parameter: { kind: 'gcm', iv, aad: iv, tagBits: 104 } },
    ],
  ];

  for (const [name, verb, key, mechanism] of operations) {
    test(name, () => {
      const begin = (asked: 'sign' | 'verify' | 'encrypt'): PartedOperation => {
        const half = asked === 'verify' && key === rsa ? rsaPublic : key;
        const active = keeping.keys.begin({ verb: asked, key: half, mechanism }, keeping.caller);
        const parts = active.inParts();
        assert.ok(parts !== undefined);
        return parts;
      };
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), (pieces) => {
          const data = concat(...pieces);
          const whole = new Uint8Array(keeping.run({ verb, key, mechanism, data }));
          const parts = begin(verb);
          const given = pieces.map((piece) => {
            const length = parts.updateLength(piece.length);
            const out = Uint8Array.from(parts.update(piece));
            assert.equal(out.length, length);
            return out;
          });
          const bound = parts.finishBound();
          const last = Uint8Array.from(parts.finish());
          assert.ok(last.length <= bound);
          assert.deepEqual(concat(...given, last), whole);
          if (verb === 'sign') {
            const check = begin('verify');
            for (const piece of pieces) check.update(piece);
            assert.equal(check.finish(whole).length, 0);
            whole[0] = (whole[0] ?? 0) ^ 0x80;
            const wrong = begin('verify');
            for (const piece of pieces) wrong.update(piece);
            assert.throws(() => wrong.finish(whole), { code: 'SIGNATURE_INVALID' });
          } else {
            const opened = keeping.run({ verb: 'decrypt', key, mechanism, data: whole });
            assert.deepEqual(new Uint8Array(opened), data);
          }
        }),
        { numRuns: 40 },
      );
    });
  }
});

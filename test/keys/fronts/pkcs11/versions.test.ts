// What each release of p11-kit is told and how it writes mechanisms, by the version byte it sends.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { utf8 } from '../../../../src/bytes/text.ts';
import { mechanisms } from '../../../../src/keys/engine/mechanism/table.ts';
import { CKA, CKK, CKM, CKO } from '../../../../src/keys/engine/pkcs11.ts';
import {
  bareMechanism,
  bytes,
  connectClient,
  field,
  flaggedMechanism,
  mechanism,
  room,
  startClient,
  template,
  ulong,
} from '../../../support/pkcs11-client.ts';
import type { Argument } from '../../../support/pkcs11-client.ts';
import { startFront } from '../../../support/pkcs11-front.ts';

const PIN = '1234567890';
const running = await startFront({ pin: PIN, soPin: '0987654321' });
after(() => running[Symbol.asyncDispose]());

/**
 * The mechanisms that rpc-message.c of p11-kit 0.24.1 and of 0.25.0 to 0.26.4 writes (its
 * `mechanism_has_no_parameters` and `p11_rpc_mechanism_serializers`), of those offered here.
 */
const WRITTEN_BY_0_24_1 = [
  'RSA_PKCS_KEY_PAIR_GEN RSA_PKCS RSA_PKCS_OAEP RSA_PKCS_PSS SHA256_RSA_PKCS SHA384_RSA_PKCS',
  'SHA512_RSA_PKCS SHA256 SHA256_HMAC SHA384 SHA384_HMAC SHA512 SHA512_HMAC',
  'GENERIC_SECRET_KEY_GEN EC_KEY_PAIR_GEN ECDSA AES_KEY_GEN',
].flatMap((line) => line.split(' '));
const WRITTEN_SINCE_0_25 = [
  ...WRITTEN_BY_0_24_1,
  ...[
    'SHA224_RSA_PKCS SHA224_RSA_PKCS_PSS SHA256_RSA_PKCS_PSS SHA384_RSA_PKCS_PSS',
    'SHA512_RSA_PKCS_PSS ECDSA_SHA224 ECDSA_SHA256 ECDSA_SHA384 ECDSA_SHA512 ECDH1_DERIVE',
    'AES_CBC AES_CBC_PAD AES_CTR AES_GCM AES_CMAC SHA224 SHA224_HMAC SHA512_224',
    'SHA512_224_HMAC SHA512_256 SHA512_256_HMAC',
  ].flatMap((line) => line.split(' ')),
];

function numbers(names: readonly string[]): number[] {
  return names.map((name) => CKM[name as keyof typeof CKM]).sort((a, b) => a - b);
}

describe('versions of the protocol', () => {
  for (const [offered, chosen, major, list] of [
    [0, 0, 2, numbers(WRITTEN_BY_0_24_1)],
    [1, 1, 3, numbers(WRITTEN_SINCE_0_25)],
    [2, 2, 3, [...mechanisms.keys()].sort((a, b) => a - b)],
    [255, 2, 3, [...mechanisms.keys()].sort((a, b) => a - b)],
  ] as const) {
    test(`a client that knows version ${offered} gets ${chosen}`, async () => {
      await using client = await connectClient(running.path, offered);
      assert.equal(client.version, chosen);
      assert.equal((await client.initialise()).value, 'OK');
      assert.equal((await client.ok('GetInfo')).byte(), major);
      const all = await client.ok('GetMechanismList', ulong(0), room(200));
      assert.deepEqual(all.ulongs(), list);
      const count = await client.ok('GetMechanismList', ulong(0), room());
      assert.equal(count.ulongs(), list.length);
      const few = await client.ok('GetMechanismList', ulong(0), room(3));
      assert.equal(few.ulongs(), list.length, 'CKR_BUFFER_TOO_SMALL is the client’s to say');
      for (const type of list) await client.ok('GetMechanismInfo', ulong(0), ulong(type));
    });
  }

  test('no mechanism calls itself hardware, and each says what it does', async () => {
    await using client = await connectClient(running.path, 2);
    await client.initialise();
    for (const info of mechanisms.values()) {
      const reply = await client.ok('GetMechanismInfo', ulong(0), ulong(info.type));
      const [least, most, flags] = [reply.ulong(), reply.ulong(), reply.ulong()];
      assert.ok(least <= most, info.label);
      assert.equal(flags & 1, 0, info.label);
      assert.equal((flags & 0x800) !== 0, info.operations.has('sign'), info.label);
      assert.equal((flags & 0x100) !== 0, info.operations.has('encrypt'), info.label);
      assert.equal((flags & 0x40_0000) !== 0, false, info.label);
    }
    const none = await client.call('GetMechanismInfo', ulong(0), ulong(0x1082_1082));
    assert.equal(none.value, 'MECHANISM_INVALID');
  });
});

const AES = new Uint8Array(16);
const NONCE = new Uint8Array(12);
const data = utf8('data');
const NOTHING = field(new Uint8Array());

/** The same encryption, MAC and signature, in the way each release writes its mechanism. */
describe('forms of a mechanism', () => {
  for (const [offered, gcm, hmac, eddsa] of [
    [
      1,
      mechanism(CKM.AES_GCM, field(NONCE), ulong(96), NOTHING, ulong(128)),
      mechanism(CKM.SHA256_HMAC),
      mechanism(CKM.EDDSA),
    ],
    [
      2,
      flaggedMechanism(CKM.AES_GCM, [field(NONCE), ulong(96), NOTHING, ulong(128)]),
      bareMechanism(CKM.SHA256_HMAC),
      // A release to come may write it either way.
      flaggedMechanism(CKM.EDDSA, []),
    ],
    [
      2,
      flaggedMechanism(CKM.AES_GCM, [field(NONCE), ulong(0), NOTHING, ulong(128)]),
      bareMechanism(CKM.SHA256_HMAC),
      bareMechanism(CKM.EDDSA),
    ],
  ] as const) {
    test(`of a client with version ${offered}`, async () => {
      const { client, session } = await startClient(running.path, PIN, offered);
      await using own = client;
      const s = ulong(session);
      const secret = async (keyType: number, usage: number): Promise<Argument> => {
        const made = await own.ok(
          'CreateObject',
          s,
          template(
            [CKA.CLASS, CKO.SECRET_KEY],
            [CKA.KEY_TYPE, keyType],
            [CKA.VALUE, AES],
            [usage, true],
          ),
        );
        return ulong(made.ulong());
      };
      await own.ok('EncryptInit', s, gcm, await secret(CKK.AES, CKA.ENCRYPT));
      assert.equal((await own.ok('Encrypt', s, bytes(data), room(64))).data().length, 20);
      await own.ok('SignInit', s, hmac, await secret(CKK.GENERIC_SECRET, CKA.SIGN));
      assert.equal((await own.ok('Sign', s, bytes(data), room(64))).data().length, 32);

      const generator = offered === 1 ? mechanism : (type: number) => flaggedMechanism(type, []);
      const pair = await own.ok(
        'GenerateKeyPair',
        s,
        generator(CKM.EC_EDWARDS_KEY_PAIR_GEN),
        // PrintableString edwards25519, as PKCS#11 v3.0 and OpenSC name it.
        template([CKA.EC_PARAMS, Uint8Array.fromHex('130c656477617264733235353139')]),
        template([CKA.SIGN, true]),
      );
      const [publicKey, privateKey] = [ulong(pair.ulong()), ulong(pair.ulong())];
      await own.ok('SignInit', s, eddsa, privateKey);
      const signature = (await own.ok('Sign', s, bytes(data), room(64))).data();
      await own.ok('VerifyInit', s, eddsa, publicKey);
      await own.ok('Verify', s, bytes(data), bytes(signature));
    });
  }

  test('version 2 has its own C_DeriveKey and C_InitToken', async () => {
    const { client, session } = await startClient(running.path, PIN, 2);
    await using own = client;
    const s = ulong(session);
    const point = Uint8Array.fromHex(
      'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
    );
    const value = Uint8Array.fromHex(
      '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
    );
    const base = await own.ok(
      'CreateObject',
      s,
      template(
        [CKA.CLASS, CKO.PRIVATE_KEY],
        [CKA.KEY_TYPE, CKK.EC_MONTGOMERY],
        [CKA.EC_PARAMS, Uint8Array.fromHex('06032b656e')],
        [CKA.VALUE, value],
        [CKA.DERIVE, true],
      ),
    );
    const derived = await own.ok(
      'DeriveKey2',
      s,
      flaggedMechanism(CKM.ECDH1_DERIVE, [ulong(1), NOTHING, field(point)]),
      ulong(base.ulong()),
      template([CKA.CLASS, CKO.SECRET_KEY]),
    );
    assert.equal(derived.ulong(), 0, 'CK_RV');
    assert.equal(derived.byte(), 0, 'the parameter is as it was');
    assert.ok(derived.ulong() > 0);
    derived.end();
    const open = await own.call('InitToken2', ulong(0), bytes(utf8('0987654321')), (writer) =>
      writer.bytes32(utf8('anew'.padEnd(32))),
    );
    assert.equal(open.value, 'SESSION_EXISTS');
  });
});

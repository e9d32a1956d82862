// The states of sessions and operations as PKCS#11 v3.1 says them (5.6 to 5.18), call by call.
import assert from 'node:assert/strict';
import { createDecipheriv, createHash, createHmac, createPublicKey, verify } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { concat, utf8 } from '../../../../src/bytes/text.ts';
import { CKA, CKG, CKK, CKM, CKO } from '../../../../src/keys/engine/pkcs11.ts';
import type { ReturnName } from '../../../../src/keys/fronts/pkcs11/return-value.ts';
import type { CallName } from '../../../../src/keys/fronts/pkcs11/wire/signatures.ts';
import {
  bytes,
  connectClient,
  field,
  mechanism,
  noMechanism,
  room,
  startClient,
  template,
  ulong,
  wanted,
} from '../../../support/pkcs11-client.ts';
import type { Argument, Attributes, Reply } from '../../../support/pkcs11-client.ts';
import { startFront } from '../../../support/pkcs11-front.ts';

const PIN = '1234567890';
const SO_PIN = '0987654321';
const running = await startFront({ pin: PIN, soPin: SO_PIN });
const { client, session } = await startClient(running.path, PIN);
after(async () => {
  await client[Symbol.asyncDispose]();
  await running[Symbol.asyncDispose]();
});

const s = ulong(session);
const data = utf8('what is to be signed, or encrypted');

async function secretKey(...attributes: Attributes): Promise<Argument> {
  const reply = await client.ok(
    'CreateObject',
    s,
    template([CKA.CLASS, CKO.SECRET_KEY], [CKA.TOKEN, false], ...attributes),
  );
  return ulong(reply.ulong());
}

const AES = Uint8Array.from({ length: 16 }, (_, index) => index);
const MAC = Uint8Array.from({ length: 32 }, (_, index) => index);
const IV = new Uint8Array(16);
const NONCE = new Uint8Array(12);

const aes = await secretKey([CKA.KEY_TYPE, CKK.AES], [CKA.VALUE, AES], [CKA.ENCRYPT, true]);
const mac = await secretKey([CKA.KEY_TYPE, CKK.GENERIC_SECRET], [CKA.VALUE, MAC], [CKA.SIGN, true]);
const pairReply = await client.ok(
  'GenerateKeyPair',
  s,
  mechanism(CKM.EC_KEY_PAIR_GEN),
  template([CKA.EC_PARAMS, Uint8Array.fromHex('06082a8648ce3d030107')], [CKA.VERIFY, true]),
  template([CKA.SIGN, true], [CKA.PRIVATE, true]),
);
const [publicKey, privateKey] = [ulong(pairReply.ulong()), ulong(pairReply.ulong())];

const hmac = mechanism(CKM.SHA256_HMAC);
const cbcPad = mechanism(CKM.AES_CBC_PAD, field(IV));
const cbc = mechanism(CKM.AES_CBC, field(IV));
const ctr = mechanism(CKM.AES_CTR, ulong(128), field(IV));
const gcm = mechanism(CKM.AES_GCM, field(NONCE), ulong(96), field(new Uint8Array()), ulong(128));
const sha256 = mechanism(CKM.SHA256);

type Check = (reply: Reply) => void;
/** What must come back, the call, its arguments behind the session, and what the answer must be. */
type Step = readonly [ReturnName, CallName, readonly Argument[], Check?];

const needs =
  (length: number): Check =>
  (reply) =>
    assert.equal(reply.bytes(), length, 'the length, and no bytes');
const gives =
  (expected: Uint8Array): Check =>
  (reply) =>
    assert.deepEqual(reply.data(), new Uint8Array(expected));

const tag = new Uint8Array(createHmac('sha256', MAC).update(data).digest());
const digest = new Uint8Array(createHash('sha256').update(data).digest());
const wrongTag = Uint8Array.from(tag, (byte) => byte ^ 1);
const short = tag.subarray(1);
const first = data.subarray(0, 20);
const rest = data.subarray(20);

/** Every row begins with no operation and must leave none behind. */
const ROWS: readonly (readonly [string, readonly Step[]])[] = [
  [
    'a signature: length query and small buffer keep the operation, the result ends it',
    [
      ['OK', 'SignInit', [hmac, mac]],
      ['OK', 'Sign', [bytes(data), room()], needs(32)],
      ['OK', 'Sign', [bytes(data), room(31)], needs(32)],
      ['OK', 'Sign', [bytes(data), room(32)], gives(tag)],
      ['OPERATION_NOT_INITIALIZED', 'Sign', [bytes(data), room(32)]],
    ],
  ],
  [
    'a signature in parts',
    [
      ['OK', 'SignInit', [hmac, mac]],
      ['OK', 'SignUpdate', [bytes(first)]],
      ['OK', 'SignUpdate', [bytes(new Uint8Array())]],
      ['OK', 'SignUpdate', [bytes(rest)]],
      ['OK', 'SignFinal', [room()], needs(32)],
      ['OK', 'SignFinal', [room(4)], needs(32)],
      ['OK', 'SignFinal', [room(64)], gives(tag)],
      ['OPERATION_NOT_INITIALIZED', 'SignFinal', [room(64)]],
      ['OPERATION_NOT_INITIALIZED', 'SignUpdate', [bytes(first)]],
    ],
  ],
  [
    'nothing signed at all is a signature over nothing',
    [
      ['OK', 'SignInit', [hmac, mac]],
      ['OK', 'SignFinal', [room(32)], gives(createHmac('sha256', MAC).digest())],
    ],
  ],
  [
    'what was begun in parts is not finished whole, and ends',
    [
      ['OK', 'SignInit', [hmac, mac]],
      ['OK', 'SignUpdate', [bytes(first)]],
      ['OPERATION_ACTIVE', 'Sign', [bytes(data), room(32)]],
      ['OPERATION_NOT_INITIALIZED', 'SignFinal', [room(32)]],
    ],
  ],
  [
    'what was begun whole is not finished in parts, and ends',
    [
      ['OK', 'SignInit', [hmac, mac]],
      ['OK', 'Sign', [bytes(data), room()], needs(32)],
      ['OPERATION_ACTIVE', 'SignUpdate', [bytes(first)]],
      ['OPERATION_NOT_INITIALIZED', 'Sign', [bytes(data), room(32)]],
      ['OK', 'EncryptInit', [gcm, aes]],
      ['OK', 'Encrypt', [bytes(data), room(3)], needs(data.length + 16)],
      ['OPERATION_ACTIVE', 'EncryptFinal', [room(64)]],
      ['OPERATION_NOT_INITIALIZED', 'EncryptFinal', [room(64)]],
      ['OK', 'DigestInit', [sha256]],
      ['OK', 'Digest', [bytes(data), room()], needs(32)],
      ['OPERATION_ACTIVE', 'DigestFinal', [room(32)]],
      ['OPERATION_NOT_INITIALIZED', 'DigestFinal', [room(32)]],
    ],
  ],
  [
    'one operation at a time',
    [
      ['OK', 'SignInit', [hmac, mac]],
      ['OPERATION_ACTIVE', 'SignInit', [hmac, mac]],
      ['OPERATION_ACTIVE', 'VerifyInit', [hmac, mac]],
      ['OPERATION_ACTIVE', 'DigestInit', [sha256]],
      ['OPERATION_ACTIVE', 'EncryptInit', [gcm, aes]],
      ['OPERATION_ACTIVE', 'DecryptInit', [gcm, aes]],
      ['OPERATION_ACTIVE', 'FindObjectsInit', [template()]],
      ['OK', 'Sign', [bytes(data), room(32)], gives(tag)],
    ],
  ],
  [
    'a null mechanism ends the operation',
    [
      ['OK', 'SignInit', [hmac, mac]],
      ['OK', 'SignInit', [noMechanism, mac]],
      ['OPERATION_NOT_INITIALIZED', 'Sign', [bytes(data), room(32)]],
      ['OK', 'DigestInit', [sha256]],
      ['OK', 'DigestInit', [noMechanism]],
      ['OPERATION_NOT_INITIALIZED', 'DigestFinal', [room(32)]],
    ],
  ],
  [
    'C_SessionCancel ends what its flags name',
    [
      ['OK', 'SignInit', [hmac, mac]],
      ['OK', 'SessionCancel', [ulong(0x100)]],
      ['OK', 'SessionCancel', [ulong(0x800)]],
      ['OPERATION_NOT_INITIALIZED', 'SignFinal', [room(32)]],
      ['OK', 'FindObjectsInit', [template()]],
      ['OK', 'SessionCancel', [ulong(0x40)]],
      ['OPERATION_NOT_INITIALIZED', 'FindObjects', [room(1)]],
    ],
  ],
  [
    'a verification ends whatever comes of it',
    [
      ['OK', 'VerifyInit', [hmac, mac]],
      ['OK', 'Verify', [bytes(data), bytes(tag)]],
      ['OPERATION_NOT_INITIALIZED', 'Verify', [bytes(data), bytes(tag)]],
      ['OK', 'VerifyInit', [hmac, mac]],
      ['SIGNATURE_INVALID', 'Verify', [bytes(data), bytes(wrongTag)]],
      ['OPERATION_NOT_INITIALIZED', 'Verify', [bytes(data), bytes(tag)]],
      ['OK', 'VerifyInit', [hmac, mac]],
      ['SIGNATURE_LEN_RANGE', 'Verify', [bytes(data), bytes(short)]],
      ['OPERATION_NOT_INITIALIZED', 'Verify', [bytes(data), bytes(tag)]],
    ],
  ],
  [
    'a verification in parts',
    [
      ['OK', 'VerifyInit', [hmac, mac]],
      ['OK', 'VerifyUpdate', [bytes(first)]],
      ['OK', 'VerifyUpdate', [bytes(rest)]],
      ['OK', 'VerifyFinal', [bytes(tag)]],
      ['OPERATION_NOT_INITIALIZED', 'VerifyFinal', [bytes(tag)]],
      ['OK', 'VerifyInit', [hmac, mac]],
      ['OK', 'VerifyUpdate', [bytes(first)]],
      ['SIGNATURE_INVALID', 'VerifyFinal', [bytes(tag)]],
      ['OPERATION_NOT_INITIALIZED', 'VerifyUpdate', [bytes(rest)]],
      ['OK', 'VerifyInit', [hmac, mac]],
      ['OK', 'VerifyUpdate', [bytes(data)]],
      ['OPERATION_ACTIVE', 'Verify', [bytes(data), bytes(tag)]],
    ],
  ],
  [
    'a null pointer ends the operation',
    [
      ['OK', 'SignInit', [hmac, mac]],
      ['ARGUMENTS_BAD', 'Sign', [bytes(undefined), room(32)]],
      ['OPERATION_NOT_INITIALIZED', 'Sign', [bytes(data), room(32)]],
      ['OK', 'SignInit', [hmac, mac]],
      ['ARGUMENTS_BAD', 'SignUpdate', [bytes(undefined)]],
      ['OPERATION_NOT_INITIALIZED', 'SignFinal', [room(32)]],
    ],
  ],
  [
    'a digest',
    [
      ['OPERATION_NOT_INITIALIZED', 'Digest', [bytes(data), room(32)]],
      ['OK', 'DigestInit', [sha256]],
      ['OK', 'Digest', [bytes(data), room()], needs(32)],
      ['OK', 'Digest', [bytes(data), room(8)], needs(32)],
      ['OK', 'Digest', [bytes(data), room(32)], gives(digest)],
      ['OPERATION_NOT_INITIALIZED', 'DigestUpdate', [bytes(data)]],
      ['OK', 'DigestInit', [sha256]],
      ['OK', 'DigestUpdate', [bytes(first)]],
      ['OK', 'DigestUpdate', [bytes(rest)]],
      ['OK', 'DigestFinal', [room()], needs(32)],
      ['OK', 'DigestFinal', [room(32)], gives(digest)],
      ['OPERATION_NOT_INITIALIZED', 'DigestFinal', [room(32)]],
      ['OK', 'DigestInit', [sha256]],
      ['OK', 'DigestUpdate', [bytes(first)]],
      ['OPERATION_ACTIVE', 'Digest', [bytes(data), room(32)]],
      ['OPERATION_NOT_INITIALIZED', 'DigestFinal', [room(32)]],
      ['OK', 'DigestInit', [sha256]],
      ['KEY_INDIGESTIBLE', 'DigestKey', [mac]],
      ['MECHANISM_INVALID', 'DigestInit', [hmac]],
      ['MECHANISM_INVALID', 'DigestInit', [mechanism(0x220)]],
    ],
  ],
  [
    'wrong keys, mechanisms and purposes',
    [
      ['KEY_HANDLE_INVALID', 'SignInit', [hmac, ulong(987_654)]],
      ['MECHANISM_INVALID', 'SignInit', [mechanism(0x1234_5678), mac]],
      ['MECHANISM_INVALID', 'SignInit', [mechanism(CKM.SHA256), mac]],
      ['KEY_TYPE_INCONSISTENT', 'SignInit', [mechanism(CKM.ECDSA), mac]],
      ['KEY_FUNCTION_NOT_PERMITTED', 'EncryptInit', [gcm, mac]],
      ['KEY_FUNCTION_NOT_PERMITTED', 'SignInit', [mechanism(CKM.AES_CMAC), aes]],
      ['KEY_FUNCTION_NOT_PERMITTED', 'SignInit', [mechanism(CKM.ECDSA), publicKey]],
      ['OPERATION_NOT_INITIALIZED', 'Encrypt', [bytes(data), room(64)]],
      ['OPERATION_NOT_INITIALIZED', 'DecryptFinal', [room(64)]],
    ],
  ],
  [
    'calls that are not offered say so',
    [
      ['FUNCTION_NOT_SUPPORTED', 'SignRecoverInit', [mechanism(CKM.RSA_PKCS), mac]],
      ['FUNCTION_NOT_SUPPORTED', 'DigestEncryptUpdate', [bytes(data), room(64)]],
      ['FUNCTION_NOT_SUPPORTED', 'MessageEncryptInit', [gcm, aes]],
      ['FUNCTION_NOT_SUPPORTED', 'MessageSignInit', [hmac, mac]],
      ['FUNCTION_NOT_SUPPORTED', 'MessageVerifyFinal', []],
      ['FUNCTION_NOT_SUPPORTED', 'SetOperationState', [bytes(data), ulong(0), ulong(0)]],
      ['OPERATION_NOT_INITIALIZED', 'GetOperationState', [room()]],
      ['OK', 'SignInit', [hmac, mac]],
      ['STATE_UNSAVEABLE', 'GetOperationState', [room()]],
      ['OK', 'SignFinal', [room(32)]],
      ['RANDOM_SEED_NOT_SUPPORTED', 'SeedRandom', [bytes(data)]],
    ],
  ],
];

describe('operations', () => {
  for (const [title, steps] of ROWS) {
    test(title, async () => {
      for (const [index, [value, name, args, check]] of steps.entries()) {
        const reply = await client.call(name, s, ...args);
        assert.equal(reply.value, value, `step ${index + 1}, C_${name}`);
        check?.(reply);
        if (value === 'OK' && check !== undefined) reply.end();
      }
      // No row leaves an operation behind.
      await client.ok('FindObjectsInit', s, template());
      await client.ok('FindObjectsFinal', s);
    });
  }

  test('ECDSA in parts verifies with openssl', async () => {
    await client.ok('SignInit', s, mechanism(CKM.ECDSA_SHA256), privateKey);
    await client.ok('SignUpdate', s, bytes(first));
    await client.ok('SignUpdate', s, bytes(rest));
    const signature = (await client.ok('SignFinal', s, room(64))).data();
    const spki = await attribute(publicKey, CKA.PUBLIC_KEY_INFO);
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    assert.ok(verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature));
  });
});

async function attribute(object: Argument, type: number): Promise<Uint8Array> {
  const reply = await client.ok('GetAttributeValue', s, object, wanted([type, 4096]));
  assert.equal(reply.u32(), 1);
  assert.equal(reply.u32(), type);
  assert.equal(reply.byte(), 1);
  const length = reply.u32();
  assert.equal(reply.u32(), length);
  return Uint8Array.from({ length }, () => reply.byte());
}

/** Runs one cipher through Update and Final in pieces of a length; what each of them gave. */
async function inPieces(
  verb: 'Encrypt' | 'Decrypt',
  by: Argument,
  input: Uint8Array,
  piece: number,
): Promise<{ output: Uint8Array; lengths: number[] }> {
  await client.ok(`${verb}Init`, s, by, aes);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < input.length; at += piece) {
    const part = bytes(input.subarray(at, at + piece));
    const asked = (await client.ok(`${verb}Update`, s, part, room())).bytes();
    const given = (await client.ok(`${verb}Update`, s, part, room(4096))).data();
    // A query of what would give nothing is answered with nothing.
    const length = typeof asked === 'number' ? asked : asked.length;
    assert.equal(given.length, length, 'as much as the query said');
    parts.push(given);
  }
  parts.push((await client.ok(`${verb}Final`, s, room(4096))).data());
  return { output: concat(...parts), lengths: parts.map((part) => part.length) };
}

describe('ciphers in parts', () => {
  const clear = Uint8Array.from({ length: 50 }, (_, index) => index);
  const whole = clear.subarray(0, 48);
  for (const [name, by, input, piece, lengths] of [
    ['aes-128-cbc', cbcPad, clear, 7, [0, 0, 16, 0, 16, 0, 16, 0, 16]],
    ['aes-128-cbc', cbcPad, whole, 16, [16, 16, 16, 16]],
    ['aes-128-ctr', ctr, clear, 20, [20, 20, 10, 0]],
    ['aes-128-gcm', gcm, clear, 20, [20, 20, 10, 16]],
  ] as const) {
    test(`${name} in pieces of ${piece} of ${input.length}`, async () => {
      const sealed = await inPieces('Encrypt', by, input, piece);
      assert.deepEqual(sealed.lengths, lengths);
      const gcmTag = name === 'aes-128-gcm' ? 16 : 0;
      const iv = gcmTag === 0 ? IV : NONCE;
      const decipher = createDecipheriv(name as 'aes-128-gcm', AES, iv);
      const end = sealed.output.length - gcmTag;
      if (gcmTag > 0) decipher.setAuthTag(sealed.output.subarray(end));
      const body = sealed.output.subarray(0, end);
      const opened = concat(decipher.update(body), decipher.final());
      assert.deepEqual(opened, new Uint8Array(input), 'node:crypto opens it');
      const back = await inPieces('Decrypt', by, sealed.output, 9);
      assert.deepEqual(back.output, new Uint8Array(input));
      if (gcmTag > 0) {
        const early = back.lengths.slice(0, -1);
        assert.ok(
          early.every((length) => length === 0),
          'nothing before the tag was checked',
        );
      }
    });
  }

  test('CBC without padding takes whole blocks', async () => {
    await client.ok('EncryptInit', s, cbc, aes);
    assert.equal((await client.ok('EncryptUpdate', s, bytes(whole), room(48))).data().length, 48);
    assert.equal((await client.ok('EncryptFinal', s, room(16))).data().length, 0);
    await client.ok('EncryptInit', s, cbc, aes);
    assert.equal((await client.ok('EncryptUpdate', s, bytes(clear), room(64))).data().length, 48);
    assert.equal((await client.call('EncryptFinal', s, room(16))).value, 'DATA_LEN_RANGE');
    assert.equal(
      (await client.call('EncryptFinal', s, room(16))).value,
      'OPERATION_NOT_INITIALIZED',
    );
    await client.ok('DecryptInit', s, cbc, aes);
    const odd = bytes(clear.subarray(0, 17));
    const reply = await client.call('Decrypt', s, odd, room(64));
    assert.equal(reply.value, 'ENCRYPTED_DATA_LEN_RANGE');
  });

  test('a part too large for the buffer is not taken', async () => {
    await client.ok('EncryptInit', s, ctr, aes);
    assert.equal((await client.ok('EncryptUpdate', s, bytes(clear), room(49))).bytes(), 50);
    const sealed = (await client.ok('EncryptUpdate', s, bytes(clear), room(50))).data();
    await client.ok('EncryptFinal', s, room(16));
    const decipher = createDecipheriv('aes-128-ctr', AES, IV);
    assert.deepEqual(new Uint8Array(decipher.update(sealed)), clear);
  });

  test('padding that needs less room than the query said', async () => {
    const sealed = (await inPieces('Encrypt', cbcPad, clear, 50)).output;
    await client.ok('DecryptInit', s, cbcPad, aes);
    assert.equal((await client.ok('Decrypt', s, bytes(sealed), room())).bytes(), 64);
    assert.equal((await client.ok('Decrypt', s, bytes(sealed), room(49))).bytes(), 50);
    assert.deepEqual((await client.ok('Decrypt', s, bytes(sealed), room(50))).data(), clear);
    await client.ok('DecryptInit', s, cbcPad, aes);
    await client.ok('DecryptUpdate', s, bytes(sealed), room(64));
    assert.equal((await client.ok('DecryptFinal', s, room(1))).bytes(), 2);
    assert.deepEqual((await client.ok('DecryptFinal', s, room(2))).data(), clear.slice(48));
  });

  test('a changed ciphertext is refused and ends the operation', async () => {
    const sealed = (await inPieces('Encrypt', gcm, clear, 50)).output;
    sealed[3] = (sealed[3] ?? 0) ^ 1;
    await client.ok('DecryptInit', s, gcm, aes);
    const refused = await client.call('Decrypt', s, bytes(sealed), room(64));
    assert.equal(refused.value, 'ENCRYPTED_DATA_INVALID');
    const gone = await client.call('Decrypt', s, bytes(sealed), room(64));
    assert.equal(gone.value, 'OPERATION_NOT_INITIALIZED');
  });

  test('a narrow counter that would overflow is refused', async () => {
    const block = new Uint8Array(16).fill(0xff);
    await client.ok('EncryptInit', s, mechanism(CKM.AES_CTR, ulong(8), field(block)), aes);
    assert.equal((await client.ok('EncryptUpdate', s, bytes(IV), room(16))).data().length, 16);
    const over = await client.call('EncryptUpdate', s, bytes(IV), room(16));
    assert.equal(over.value, 'DATA_LEN_RANGE');
  });

  test('a wrong parameter is told at once', async () => {
    const refused = async (
      name: 'EncryptInit' | 'SignInit' | 'DecryptInit',
      by: Argument,
      key: Argument,
    ): Promise<void> => {
      assert.equal((await client.call(name, s, by, key)).value, 'MECHANISM_PARAM_INVALID');
    };
    await refused('EncryptInit', mechanism(CKM.AES_CTR, ulong(129), field(IV)), aes);
    await refused('EncryptInit', mechanism(CKM.AES_CTR, ulong(0), field(IV)), aes);
    await refused('EncryptInit', mechanism(CKM.AES_CBC, field(NONCE)), aes);
    await refused('DecryptInit', mechanism(CKM.AES_CBC_PAD, field(new Uint8Array())), aes);
    for (const [nonce, tagBits] of [
      [NONCE.subarray(1), 128],
      [new Uint8Array(129), 128],
      [NONCE, 64],
      [NONCE, 127],
    ] as const) {
      const by = mechanism(
        CKM.AES_GCM,
        field(nonce),
        ulong(0),
        field(new Uint8Array()),
        ulong(tagBits),
      );
      await refused('EncryptInit', by, aes);
    }
    await refused('SignInit', mechanism(CKM.SHA256_HMAC, field(IV)), mac);
    await refused('SignInit', mechanism(CKM.ECDSA, field(IV)), privateKey);
  });

  test('a key that is destroyed takes its operation with it', async () => {
    const gone = await secretKey(
      [CKA.KEY_TYPE, CKK.GENERIC_SECRET],
      [CKA.VALUE, MAC],
      [CKA.SIGN, true],
    );
    await client.ok('SignInit', s, hmac, gone);
    await client.ok('SignUpdate', s, bytes(first));
    await client.ok('DestroyObject', s, gone);
    assert.equal((await client.call('SignUpdate', s, bytes(rest))).value, 'KEY_HANDLE_INVALID');
    const over = await client.call('SignFinal', s, room(32));
    assert.equal(over.value, 'OPERATION_NOT_INITIALIZED');
  });
});

describe('sessions', () => {
  test('before C_Initialize nothing is served, and it is said once', async () => {
    await using other = await connectClient(running.path);
    assert.equal((await other.call('GetInfo')).value, 'CRYPTOKI_NOT_INITIALIZED');
    assert.equal((await other.initialise()).value, 'OK');
    assert.equal((await other.initialise()).value, 'CRYPTOKI_ALREADY_INITIALIZED');
    await other.ok('Finalize');
    assert.equal((await other.call('GetInfo')).value, 'CRYPTOKI_NOT_INITIALIZED');
  });

  test('read-only sessions make and change no token objects, and session objects end', async () => {
    await using other = await connectClient(running.path);
    await other.initialise();
    assert.equal(
      (await other.call('OpenSession', ulong(0), ulong(2))).value,
      'SESSION_PARALLEL_NOT_SUPPORTED',
    );
    assert.equal((await other.call('OpenSession', ulong(5), ulong(6))).value, 'SLOT_ID_INVALID');
    const readOnly = ulong(await other.openSession(false));
    const readWrite = ulong(await other.openSession());
    const note = (token: boolean): Argument =>
      template([CKA.CLASS, CKO.DATA], [CKA.TOKEN, token], [CKA.VALUE, data]);
    assert.equal(
      (await other.call('CreateObject', readOnly, note(true))).value,
      'SESSION_READ_ONLY',
    );
    const temporary = (await other.ok('CreateObject', readOnly, note(false))).ulong();
    const stored = ulong((await other.ok('CreateObject', readWrite, note(true))).ulong());
    for (const [name, ...args] of [
      ['DestroyObject', stored],
      ['SetAttributeValue', stored, template([CKA.LABEL, data])],
      ['CopyObject', stored, template()],
    ] as const) {
      assert.equal((await other.call(name, readOnly, ...args)).value, 'SESSION_READ_ONLY', name);
    }
    const copy = await other.ok('CopyObject', readOnly, stored, template([CKA.TOKEN, false]));
    assert.ok(copy.ulong() > 0);
    assert.equal((await other.ok('GetSessionInfo', readOnly)).ulong(), 0);
    await other.ok('CloseSession', readOnly);
    assert.equal(
      (await other.call('GetObjectSize', readWrite, ulong(temporary))).value,
      'OBJECT_HANDLE_INVALID',
    );
    assert.equal((await other.call('GetSessionInfo', readOnly)).value, 'SESSION_HANDLE_INVALID');
    await other.ok('DestroyObject', readWrite, stored);
  });

  test('logins', async () => {
    await using other = await connectClient(running.path);
    await other.initialise();
    const readOnly = ulong(await other.openSession(false));
    const [user, officer, pin, soPin] = [ulong(1), ulong(0), bytes(utf8(PIN)), bytes(utf8(SO_PIN))];
    const login = (of: Argument, role: Argument, by: Argument): Promise<Reply> =>
      other.call('Login', of, role, by);
    assert.equal((await login(readOnly, ulong(9), pin)).value, 'USER_TYPE_INVALID');
    assert.equal((await login(readOnly, user, bytes(utf8('0000000')))).value, 'PIN_INCORRECT');
    assert.equal((await login(readOnly, officer, soPin)).value, 'SESSION_READ_ONLY_EXISTS');
    assert.equal((await login(readOnly, ulong(2), pin)).value, 'OPERATION_NOT_INITIALIZED');
    assert.equal((await other.call('Logout', readOnly)).value, 'USER_NOT_LOGGED_IN');
    const stateOf = async (of: Argument): Promise<number> => {
      const reply = await other.ok('GetSessionInfo', of);
      reply.ulong();
      return reply.ulong();
    };
    assert.equal(await stateOf(readOnly), 0);
    assert.equal((await login(readOnly, user, pin)).value, 'OK');
    assert.equal(await stateOf(readOnly), 1);
    assert.equal((await login(readOnly, user, pin)).value, 'USER_ALREADY_LOGGED_IN');
    assert.equal((await login(readOnly, officer, soPin)).value, 'USER_ANOTHER_ALREADY_LOGGED_IN');
    const readWrite = ulong(await other.openSession());
    assert.equal(await stateOf(readWrite), 3);
    assert.equal((await other.call('InitPIN', readWrite, pin)).value, 'USER_NOT_LOGGED_IN');
    await other.ok('Logout', readWrite);
    assert.equal(await stateOf(readWrite), 2);
    await other.ok('CloseSession', readOnly);
    assert.equal((await login(readWrite, officer, soPin)).value, 'OK');
    assert.equal(await stateOf(readWrite), 4);
    assert.equal(
      (await other.call('OpenSession', ulong(0), ulong(4))).value,
      'SESSION_READ_WRITE_SO_EXISTS',
    );
    await other.ok('InitPIN', readWrite, pin);
    // The last session takes the login with it.
    await other.ok('CloseAllSessions', ulong(0));
    assert.equal(await stateOf(ulong(await other.openSession())), 2);
  });

  test('the user without a name logs in by C_LoginUser too', async () => {
    await using other = await connectClient(running.path);
    await other.initialise();
    const own = ulong(await other.openSession());
    const login = (name: Uint8Array): Promise<Reply> =>
      other.call('LoginUser', own, ulong(1), bytes(utf8(PIN)), bytes(name));
    assert.equal((await login(utf8('alice'))).value, 'USER_TYPE_INVALID');
    assert.equal((await login(new Uint8Array())).value, 'OK');
  });

  test('private objects are seen by the user alone, and go at logout', async () => {
    await using other = await connectClient(running.path);
    await other.initialise();
    const own = ulong(await other.openSession());
    const hidden = template(
      [CKA.CLASS, CKO.DATA],
      [CKA.PRIVATE, true],
      [CKA.LABEL, utf8('hidden')],
    );
    assert.equal((await other.call('CreateObject', own, hidden)).value, 'USER_NOT_LOGGED_IN');
    // A secret or private key is a private object unless its template says otherwise.
    const generate = (...more: Attributes): Promise<Reply> =>
      other.call(
        'GenerateKey',
        own,
        mechanism(CKM.AES_KEY_GEN),
        template([CKA.VALUE_LEN, 16], ...more),
      );
    assert.equal((await generate()).value, 'USER_NOT_LOGGED_IN');
    assert.equal((await generate([CKA.PRIVATE, false])).value, 'OK');
    assert.equal(
      (await generate([CKA.PRIVATE, false], [CKA.TOKEN, true])).value,
      'USER_NOT_LOGGED_IN',
    );
    await other.ok('Login', own, ulong(1), bytes(utf8(PIN)));
    const object = ulong((await other.ok('CreateObject', own, hidden)).ulong());
    const found = async (): Promise<number> => {
      await other.ok('FindObjectsInit', own, template([CKA.LABEL, utf8('hidden')]));
      const handles = (await other.ok('FindObjects', own, room(10))).ulongs();
      await other.ok('FindObjectsFinal', own);
      return (handles as number[]).length;
    };
    assert.equal(await found(), 1);
    await other.ok('Logout', own);
    assert.equal(await found(), 0);
    const size = await other.call('GetObjectSize', own, object);
    assert.equal(size.value, 'OBJECT_HANDLE_INVALID');
  });
});

describe('objects', () => {
  test('a search gives its handles page by page', async () => {
    const label: [number, Uint8Array] = [CKA.LABEL, utf8('page')];
    for (let count = 0; count < 5; count++) {
      await client.ok('CreateObject', s, template([CKA.CLASS, CKO.DATA], label));
    }
    assert.equal((await client.call('FindObjects', s, room(2))).value, 'OPERATION_NOT_INITIALIZED');
    assert.equal((await client.call('FindObjectsFinal', s)).value, 'OPERATION_NOT_INITIALIZED');
    await client.ok('FindObjectsInit', s, template(label));
    assert.equal(
      (await client.call('FindObjectsInit', s, template(label))).value,
      'OPERATION_ACTIVE',
    );
    const counts: number[] = [];
    for (let page = 0; page < 4; page++) {
      const reply = await client.ok('FindObjects', s, room(2));
      counts.push((reply.ulongs() as number[]).length);
    }
    assert.deepEqual(counts, [2, 2, 1, 0]);
    await client.ok('FindObjectsFinal', s);
  });

  test('attributes: lengths, small buffers, secrets, and what there is not', async () => {
    const read = async (
      object: Argument,
      ...asked: readonly (readonly [number, number])[]
    ): Promise<{ lengths: (number | undefined)[]; verdict: number }> => {
      const reply = await client.ok('GetAttributeValue', s, object, wanted(...asked));
      assert.equal(reply.u32(), asked.length);
      const lengths = asked.map(([type]) => {
        assert.equal(reply.u32(), type);
        if (reply.byte() === 0) return undefined;
        const length = reply.u32();
        if (type === CKA.KEY_TYPE) reply.ulong();
        else for (let left = reply.u32(); left > 0; left--) reply.byte();
        return length;
      });
      const verdict = reply.ulong();
      reply.end();
      return { lengths, verdict };
    };
    assert.deepEqual(await read(publicKey, [CKA.EC_POINT, 0]), { lengths: [67], verdict: 0 });
    assert.deepEqual(await read(publicKey, [CKA.EC_POINT, 66]), {
      lengths: [undefined],
      verdict: 0x150,
    });
    assert.deepEqual(await read(privateKey, [CKA.VALUE, 64], [CKA.KEY_TYPE, 8]), {
      lengths: [undefined, 8],
      verdict: 0x11,
    });
    assert.deepEqual(await read(mac, [CKA.VALUE, 64]), { lengths: [undefined], verdict: 0x11 });
    assert.deepEqual(await read(mac, [CKA.MODULUS, 64]), { lengths: [undefined], verdict: 0x12 });
    const gone = await client.call('GetAttributeValue', s, ulong(99_999), wanted([CKA.LABEL, 9]));
    assert.equal(gone.value, 'OBJECT_HANDLE_INVALID');
  });

  test('changes only tighten, copies may be stored, sizes are told', async () => {
    const own = await secretKey(
      [CKA.KEY_TYPE, CKK.AES],
      [CKA.VALUE, AES],
      [CKA.ENCRYPT, true],
      [CKA.EXTRACTABLE, true],
    );
    const set = (...changes: Attributes): Promise<Reply> =>
      client.call('SetAttributeValue', s, own, template(...changes));
    assert.equal((await set([CKA.LABEL, utf8('renamed')])).value, 'OK');
    assert.equal((await set([CKA.EXTRACTABLE, false])).value, 'OK');
    for (const change of [
      [CKA.EXTRACTABLE, true],
      [CKA.SENSITIVE, false],
      [CKA.PRIVATE, false],
      [CKA.TOKEN, true],
      [CKA.MODIFIABLE, false],
      [CKA.SIGN, true],
      [CKA.VALUE, MAC],
      [CKA.CLASS, CKO.DATA],
      [CKA.ALLOWED_MECHANISMS, [CKM.AES_CBC]],
      [CKA.STRONGROOM_PURPOSE, utf8('mac')],
      [CKA.LOCAL, true],
    ] as const) {
      assert.equal((await set(change)).value, 'ATTRIBUTE_READ_ONLY', `0x${change[0].toString(16)}`);
    }
    const copy = async (...changes: Attributes): Promise<Reply> =>
      await client.call('CopyObject', s, own, template(...changes));
    assert.equal((await copy([CKA.EXTRACTABLE, true])).value, 'ATTRIBUTE_READ_ONLY');
    assert.equal((await copy([CKA.PRIVATE, false])).value, 'ATTRIBUTE_READ_ONLY');
    const stored = await copy([CKA.TOKEN, true], [CKA.LABEL, utf8('copy')]);
    assert.equal(stored.value, 'OK');
    const handle = ulong(stored.ulong());
    const size = (await client.ok('GetObjectSize', s, handle)).ulong();
    assert.ok(size > 100 && size < 10_000, String(size));
    await client.ok('DestroyObject', s, handle);
    const gone = await client.call('DestroyObject', s, handle);
    assert.equal(gone.value, 'OBJECT_HANDLE_INVALID');
  });

  test('templates that would bind more than is kept here are refused', async () => {
    const refused = async (value: ReturnName, ...attributes: Attributes): Promise<void> => {
      const whole = template([CKA.CLASS, CKO.SECRET_KEY], [CKA.KEY_TYPE, CKK.AES], ...attributes);
      assert.equal((await client.call('CreateObject', s, whole)).value, value);
    };
    await refused('TEMPLATE_INCOMPLETE');
    await refused('KEY_SIZE_RANGE', [CKA.VALUE, AES.subarray(1)]);
    await refused('ATTRIBUTE_VALUE_INVALID', [CKA.VALUE, AES], [CKA.ALWAYS_AUTHENTICATE, true]);
    await refused('ATTRIBUTE_READ_ONLY', [CKA.VALUE, AES], [CKA.LOCAL, true]);
    await refused('TEMPLATE_INCONSISTENT', [CKA.VALUE, AES], [CKA.VALUE, AES]);
    await refused('TEMPLATE_INCONSISTENT', [CKA.VALUE, AES], [CKA.VALUE_LEN, 32]);
    await refused(
      'TEMPLATE_INCONSISTENT',
      [CKA.VALUE, AES],
      [CKA.STRONGROOM_PURPOSE, utf8('sign')],
    );
  });
});

describe('keys from keys over the wire', () => {
  const curve: [number, Uint8Array] = [CKA.EC_PARAMS, Uint8Array.fromHex('06082a8648ce3d030107')];

  async function agreementPair(): Promise<{ own: Argument; point: Uint8Array }> {
    const reply = await client.ok(
      'GenerateKeyPair',
      s,
      mechanism(CKM.EC_KEY_PAIR_GEN),
      template(curve, [CKA.DERIVE, true]),
      template([CKA.DERIVE, true]),
    );
    const [shown, own] = [ulong(reply.ulong()), ulong(reply.ulong())];
    return { own, point: await attribute(shown, CKA.EC_POINT) };
  }

  test('two sides of ECDH derive the same key', async () => {
    const [alice, bob] = [await agreementPair(), await agreementPair()];
    const tags: Uint8Array[] = [];
    for (const [own, point] of [
      [alice.own, bob.point],
      [bob.own, alice.point],
    ] as const) {
      const by = mechanism(CKM.ECDH1_DERIVE, ulong(1), field(new Uint8Array()), field(point));
      const derived = await client.ok(
        'DeriveKey',
        s,
        by,
        own,
        template(
          [CKA.CLASS, CKO.SECRET_KEY],
          [CKA.KEY_TYPE, CKK.GENERIC_SECRET],
          [CKA.VALUE_LEN, 24],
          [CKA.SIGN, true],
        ),
      );
      await client.ok('SignInit', s, hmac, ulong(derived.ulong()));
      tags.push((await client.ok('Sign', s, bytes(data), room(32))).data());
    }
    assert.deepEqual(tags[0], tags[1]);
    const zero = createHmac('sha256', new Uint8Array(24)).update(data).digest();
    assert.notDeepEqual(tags[0], new Uint8Array(zero), 'the value was not wiped before its use');
    const into = async (objectClass: number): Promise<ReturnName> =>
      (
        await client.call(
          'DeriveKey',
          s,
          mechanism(CKM.ECDH1_DERIVE, ulong(1), field(new Uint8Array()), field(bob.point)),
          alice.own,
          template([CKA.CLASS, objectClass]),
        )
      ).value;
    assert.equal(await into(CKO.DATA), 'TEMPLATE_INCONSISTENT', 'nothing readable comes of it');
    assert.equal(await into(CKO.PRIVATE_KEY), 'TEMPLATE_INCONSISTENT');
    const bad = mechanism(
      CKM.ECDH1_DERIVE,
      ulong(1),
      field(new Uint8Array()),
      field(bob.point.slice(1)),
    );
    const refused = await client.call('DeriveKey', s, bad, alice.own, template());
    assert.equal(refused.value, 'MECHANISM_PARAM_INVALID');
  });

  test('a key goes out under RSA-OAEP and comes back', async () => {
    const reply = await client.ok(
      'GenerateKeyPair',
      s,
      mechanism(CKM.RSA_PKCS_KEY_PAIR_GEN),
      template([CKA.MODULUS_BITS, 2048], [CKA.WRAP, true]),
      template([CKA.UNWRAP, true]),
    );
    const [wrapping, unwrapping] = [ulong(reply.ulong()), ulong(reply.ulong())];
    const oaep = mechanism(
      CKM.RSA_PKCS_OAEP,
      ulong(CKM.SHA256),
      ulong(CKG.MGF1_SHA256),
      ulong(1),
      field(utf8('label')),
    );
    const kept = await client.call('WrapKey', s, oaep, wrapping, mac, room(512));
    assert.equal(kept.value, 'KEY_UNEXTRACTABLE');
    const own = await secretKey(
      [CKA.KEY_TYPE, CKK.GENERIC_SECRET],
      [CKA.VALUE, MAC],
      [CKA.SIGN, true],
      [CKA.EXTRACTABLE, true],
    );
    assert.equal((await client.ok('WrapKey', s, oaep, wrapping, own, room())).bytes(), 256);
    assert.equal((await client.ok('WrapKey', s, oaep, wrapping, own, room(255))).bytes(), 256);
    const wrapped = (await client.ok('WrapKey', s, oaep, wrapping, own, room(256))).data();
    const into = template(
      [CKA.CLASS, CKO.SECRET_KEY],
      [CKA.KEY_TYPE, CKK.GENERIC_SECRET],
      [CKA.SIGN, true],
    );
    const back = await client.ok('UnwrapKey', s, oaep, unwrapping, bytes(wrapped), into);
    await client.ok('SignInit', s, hmac, ulong(back.ulong()));
    assert.deepEqual((await client.ok('Sign', s, bytes(data), room(32))).data(), tag);
    wrapped[5] = (wrapped[5] ?? 0) ^ 1;
    const spoiled = await client.call('UnwrapKey', s, oaep, unwrapping, bytes(wrapped), into);
    assert.equal(spoiled.value, 'WRAPPED_KEY_INVALID');
    const readable = template([CKA.CLASS, CKO.DATA]);
    const leaked = await client.call('UnwrapKey', s, oaep, unwrapping, bytes(wrapped), readable);
    assert.notEqual(leaked.value, 'OK');
  });
});

test('nothing unexpected happened inside', () => {
  assert.deepEqual(running.faults, []);
});

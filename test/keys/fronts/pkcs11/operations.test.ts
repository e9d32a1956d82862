// Signatures, MACs and digests: the states of an operation as PKCS#11 v3.1 says them, call by call.
import assert from 'node:assert/strict';
import { createHash, createHmac, createPublicKey, verify } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { CKA, CKM } from '../../../../src/keys/engine/pkcs11.ts';
import type { ReturnName } from '../../../../src/keys/fronts/pkcs11/return-value.ts';
import type { CallName } from '../../../../src/keys/fronts/pkcs11/wire/signatures.ts';
import {
  bytes,
  field,
  mechanism,
  noMechanism,
  room,
  template,
  ulong,
} from '../../../support/pkcs11-client.ts';
import type { Argument, Reply } from '../../../support/pkcs11-client.ts';
import { DATA as data, MAC, startStates } from '../../../support/pkcs11-states.ts';

const states = await startStates();
const { running, client, session: s, aes, mac, publicKey, privateKey, attribute } = states;
after(() => states[Symbol.asyncDispose]());

const NONCE = new Uint8Array(12);

const hmac = mechanism(CKM.SHA256_HMAC);
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

test('nothing unexpected happened inside', () => {
  assert.deepEqual(running.faults, []);
});

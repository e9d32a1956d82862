// Ciphers in parts (PKCS#11 v3.1, 5.8 to 5.11), call by call.
import assert from 'node:assert/strict';
import { createDecipheriv } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { concat } from '../../../../src/bytes/text.ts';
import { CKA, CKK, CKM } from '../../../../src/keys/engine/pkcs11.ts';
import { bytes, field, mechanism, room, ulong } from '../../../support/pkcs11-client.ts';
import type { Argument } from '../../../support/pkcs11-client.ts';
import { AES, DATA as data, MAC, startStates } from '../../../support/pkcs11-states.ts';

const states = await startStates();
const { running, client, session: s, aes, mac, privateKey, secretKey } = states;
after(() => states[Symbol.asyncDispose]());

const IV = new Uint8Array(16);
const NONCE = new Uint8Array(12);

const hmac = mechanism(CKM.SHA256_HMAC);
const cbcPad = mechanism(CKM.AES_CBC_PAD, field(IV));
const cbc = mechanism(CKM.AES_CBC, field(IV));
const ctr = mechanism(CKM.AES_CTR, ulong(128), field(IV));
const gcm = mechanism(CKM.AES_GCM, field(NONCE), ulong(96), field(new Uint8Array()), ulong(128));
const first = data.subarray(0, 20);
const rest = data.subarray(20);

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

test('nothing unexpected happened inside', () => {
  assert.deepEqual(running.faults, []);
});

// Keys that come out of other keys, over the wire (PKCS#11 v3.1, 5.18).
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { utf8 } from '../../../../src/bytes/text.ts';
import { CKA, CKG, CKK, CKM, CKO } from '../../../../src/keys/engine/pkcs11.ts';
import type { ReturnName } from '../../../../src/keys/fronts/pkcs11/return-value.ts';
import { bytes, field, mechanism, room, template, ulong } from '../../../support/pkcs11-client.ts';
import type { Argument } from '../../../support/pkcs11-client.ts';
import { DATA as data, MAC, startStates } from '../../../support/pkcs11-states.ts';

const states = await startStates();
const { running, client, session: s, mac, secretKey, attribute } = states;
after(() => states[Symbol.asyncDispose]());

const hmac = mechanism(CKM.SHA256_HMAC);
const tag = new Uint8Array(createHmac('sha256', MAC).update(data).digest());

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

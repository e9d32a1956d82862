// Sessions, logins and objects (PKCS#11 v3.1, 5.6 and 5.7), call by call.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { utf8 } from '../../../../src/bytes/text.ts';
import { CKA, CKK, CKM, CKO } from '../../../../src/keys/engine/pkcs11.ts';
import type { ReturnName } from '../../../../src/keys/fronts/pkcs11/return-value.ts';
import {
  bytes,
  connectClient,
  mechanism,
  room,
  template,
  ulong,
  wanted,
} from '../../../support/pkcs11-client.ts';
import type { Argument, Attributes, Reply } from '../../../support/pkcs11-client.ts';
import {
  AES,
  DATA as data,
  MAC,
  PIN,
  SO_PIN,
  startStates,
} from '../../../support/pkcs11-states.ts';

const states = await startStates();
const { running, client, session: s, mac, publicKey, privateKey, secretKey } = states;
after(() => states[Symbol.asyncDispose]());

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

test('nothing unexpected happened inside', () => {
  assert.deepEqual(running.faults, []);
});

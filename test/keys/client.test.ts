// The client that every other part holds keys by, against the real key process.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { connectKeys, keysSocket } from '../../src/keys/client.ts';
import { encodeFrame } from '../../src/keys/fronts/client/frame.ts';
import { startStrongroom, temporaryHome } from '../support/strongroom.ts';

test('a client goes on after the key process died, and fails while it is away', async () => {
  await assert.rejects(connectKeys(temporaryHome()), { code: 'KEYS_NOT_RUNNING' });
  const running = await startStrongroom();
  const client = await connectKeys(running.home);
  try {
    const key = await client.create('one', { type: 'ed25519' });
    const { pid } = await client.status();
    process.kill(pid, 'SIGKILL');
    // Every call ends: with the answer of the new process, or with an error in between.
    for (let tries = 0; tries < 600; tries++) {
      const now = await client.status().catch((error: unknown) => error);
      if (now instanceof Error) assert.match(now.message, /not running/);
      else if ((now as { state: string }).state === 'operational') break;
      await wait(100);
    }
    const data = Buffer.from('a letter');
    await client.verify(key, data, await client.sign(key, data));
    assert.notEqual((await client.status()).pid, pid);
    await running.stop();
    await assert.rejects(client.list(), { code: 'KEYS_NOT_RUNNING' });
  } finally {
    client.close();
    await assert.rejects(client.list(), { code: 'KEYS_NOT_RUNNING' });
    await running[Symbol.asyncDispose]();
  }
});

test('many calls at once are answered each with its own; malformed ones end their connection alone', async () => {
  await using running = await startStrongroom();
  const client = await connectKeys(running.home);
  const key = await client.create('mac', { type: 'hmac-sha256' });
  const data = Array.from({ length: 300 }, (_, index) => Buffer.alloc(1 + index, index));
  const macs = await Promise.all(data.map((each) => client.sign(key, each)));
  assert.equal(new Set(macs.map((mac) => Buffer.from(mac).toString('hex'))).size, data.length);
  await Promise.all(macs.map((mac, index) => client.verify(key, data[index] as Buffer, mac)));
  await assert.rejects(client.call('no-such-call'), /no such call/);
  await assert.rejects(client.call('__proto__'), /no such call/);
  await assert.rejects(client.call('pin-change', { role: 'user' }), { code: 'ARGUMENTS_BAD' });

  for (const rubbish of [
    Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0]),
    encodeFrame('no object'),
    encodeFrame({ id: 'one', call: 'status', body: null }),
    encodeFrame({ id: 1, call: 7, body: null }),
    Uint8Array.from([0, 0, 0, 4, 0, 0, 0, 9]),
  ]) {
    const socket = connect(keysSocket(running.home));
    await once(socket, 'connect');
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(rubbish);
    await once(socket, 'close');
  }
  assert.equal((await client.list()).length, 1);
  client.close();
});

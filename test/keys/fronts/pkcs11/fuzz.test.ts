// Malformed calls of the p11-kit RPC protocol, beside a healthy client that must go on being served.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { concat, utf8 } from '../../../../src/bytes/text.ts';
import { Writer } from '../../../../src/bytes/writer.ts';
import { CALL_SHAPES } from '../../../../src/keys/fronts/pkcs11/wire/signatures.ts';
import { startFront } from '../../../support/pkcs11-front.ts';

/** A small seeded generator (mulberry32): the same messages in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function frame(call: number, body: Uint8Array, claimed = body.length): Uint8Array {
  return new Writer().u32(call).u32(0).u32(claimed).bytes(body).finish().slice();
}

function callBody(id: number, signature: string, rest: Uint8Array): Uint8Array {
  return new Writer().u32(id).bytes32(utf8(signature)).bytes(rest).finish().slice();
}

const HANDSHAKE = utf8('PRIVATE-GNOME-KEYRING-PKCS11-PROTOCOL-V-1');

/** C_Initialize as the stock client sends it: the fuzzed calls then reach their handlers. */
function initialize(): Uint8Array {
  const rest = new Writer()
    .u8(1)
    .bytes32(HANDSHAKE)
    .u8(0)
    .u8(1)
    .bytes32(new Uint8Array([0]))
    .finish();
  return frame(
    16,
    callBody(CALL_SHAPES.find((shape) => shape?.name === 'Initialize')?.id ?? 0, 'ayyay', rest),
  );
}

function malformed(random: (below: number) => number): Uint8Array {
  const bytes = (most: number): Uint8Array =>
    Uint8Array.from({ length: random(most) }, () => (random(3) === 0 ? 0 : random(256)));
  const shape = CALL_SHAPES[random(CALL_SHAPES.length)];
  const signature = shape?.request ?? utf8('u');
  const id = shape?.id ?? 1;
  const rest = bytes(random(2) === 0 ? 24 : 300);
  const right = callBody(id, Buffer.from(signature).toString('latin1'), rest);
  switch (random(6)) {
    case 0:
      return bytes(64);
    case 1:
      return frame(17, right, 0xffff_ffff);
    case 2:
      return frame(17, right.subarray(0, random(right.length + 1)));
    case 3: {
      const flipped = frame(17, right);
      flipped[random(flipped.length)] = random(256);
      return flipped;
    }
    default:
      return frame(17, right);
  }
}

async function send(path: string, payload: Uint8Array): Promise<void> {
  const socket: Socket = connect(path);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.resume();
  socket.write(payload);
  // The server may close first, or wait for the rest of a torn frame: then this side goes.
  await Promise.race([once(socket, 'close'), wait(3)]);
  socket.destroy();
}

/** Sends one whole call and gives the call number of the reply; 0 is an error. */
async function ask(socket: Socket, call: Uint8Array): Promise<number> {
  socket.write(call);
  const [reply] = (await once(socket, 'data')) as [Buffer];
  return reply.readUInt32BE(12);
}

test('a thousand malformed calls cost nobody else anything', async () => {
  await using running = await startFront({ pin: '1234567890', soPin: '0987654321' });
  const random = seeded(20_261_124);
  const greeting = new Uint8Array([0]);
  const healthy = connect(running.path);
  await once(healthy, 'connect');
  healthy.write(greeting);
  await once(healthy, 'data');
  const [initializeShape, infoShape] = ['Initialize', 'GetInfo'].map((name) =>
    CALL_SHAPES.find((shape) => shape?.name === name),
  );
  // Reply and request carry the same number; 0 would be an error: the handshake is a right one.
  assert.equal(await ask(healthy, initialize()), initializeShape?.id);
  const info = frame(17, callBody(infoShape?.id ?? 0, '', new Uint8Array()));
  const before = process.memoryUsage().rss;
  for (let count = 0; count < 1000; count++) {
    const body = malformed(random);
    await send(running.path, concat(greeting, initialize(), body));
    if (count % 20 === 0) assert.equal(await ask(healthy, info), infoShape?.id, `after ${count}`);
  }
  assert.deepEqual(running.faults, [], 'nothing unexpected happened inside');
  await wait(50);
  assert.equal(running.front.connections, 1, 'only the healthy connection is left');
  healthy.destroy();
  assert.equal(running.vault.state, 'operational');
  assert.ok(process.memoryUsage().rss - before < 200 << 20, 'memory stays bounded');
});

test('a length of four gigabytes loses its connection at once', async () => {
  await using running = await startFront({ pin: '1234567890', soPin: '0987654321' });
  const socket = connect(running.path);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.resume();
  const closed = once(socket, 'close');
  socket.write(concat(new Uint8Array([0]), frame(16, new Uint8Array(), 0xffff_fff0)));
  await closed;
  assert.equal(running.vault.state, 'operational');
});

test('half a frame is not waited for', async () => {
  await using running = await startFront({
    pin: '1234567890',
    soPin: '0987654321',
    patience: 60,
  });
  const socket = connect(running.path);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.resume();
  const closed = once(socket, 'close');
  socket.write(new Uint8Array([0, 0, 0, 0, 16, 0, 0]));
  await closed;
});

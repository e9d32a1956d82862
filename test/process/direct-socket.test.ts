// Reading and writing beside the event loop: nothing is lost, nothing comes twice, nothing is out of order.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { DirectSocket, received, sending } from '../../src/process/direct-socket.ts';

const folder = mkdtempSync(join(tmpdir(), 'strongroom-direct-'));
const path = join(folder, 'socket');
// Nothing is read by the stream before a test wants it.
const server = createServer({ pauseOnConnect: true });
server.listen(path);
await once(server, 'listening');
const open = new Set<Socket>();
after(() => {
  for (const socket of open) socket.destroy();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Both ends of a connection. */
async function pair(): Promise<{
  readonly here: Socket;
  readonly there: Socket;
  readonly direct: DirectSocket;
}> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const there = connect(path);
  const [here] = await accepted;
  for (const socket of [here, there]) {
    socket.on('error', () => undefined);
    open.add(socket);
  }
  return { here, there, direct: new DirectSocket(here) };
}

/** Receives once something is there. */
async function soon(direct: DirectSocket): Promise<Uint8Array> {
  for (let tries = 0; tries < 1000; tries++) {
    const length = direct.receive();
    if (length > 0) return received.slice(0, length);
    await wait(5);
  }
  return assert.fail('nothing came');
}

test('what is there is read; nothing there is nothing read', async () => {
  const { there, direct } = await pair();
  assert.equal(direct.receive(), 0);
  there.write('one');
  assert.deepEqual(await soon(direct), Uint8Array.from(Buffer.from('one')));
  assert.equal(direct.receive(), 0);
});

test('a closed socket is neither read nor written, and nor is one whose peer is gone', async () => {
  const { here, there, direct } = await pair();
  there.write('late');
  here.destroy();
  assert.equal(direct.receive(), 0);
  assert.equal(direct.send(4), 0);
  // The number of the descriptor may be another's by now.
  const other = await pair();
  assert.equal(direct.send(4), 0);
  other.there.destroy();
  await once(other.there, 'close');
  assert.equal(other.direct.receive(), 0);
  // No signal: the process goes on.
  assert.equal(other.direct.send(4), 0);
});

test('what the stream still holds is not overtaken', async () => {
  const { here, there, direct } = await pair();
  there.write('first');
  here.read(0);
  while (here.readableLength === 0) await wait(5);
  assert.equal(direct.receive(), 0, 'the stream has the first');
  assert.equal(String(here.read()), 'first');
});

test('what the kernel does not take goes through the stream, in order', async () => {
  const { here, there, direct } = await pair();
  const sent: Buffer[] = [];
  let taken = 0;
  let streamed = 0;
  for (let turn = 0; turn < 100; turn++) {
    const piece = Buffer.alloc(16_384, turn + 1);
    sending.set(piece);
    const count = direct.send(piece.length);
    taken += count;
    if (count < piece.length) {
      here.write(piece.subarray(count));
      streamed += piece.length - count;
    }
    sent.push(piece);
  }
  assert.ok(taken > 0 && streamed > 0, 'both ways were taken');
  const whole = Buffer.concat(sent);
  const came: Buffer[] = [];
  for (let length = 0; length < whole.length; length += came.at(-1)?.length ?? 0) {
    const [chunk] = (await once(there, 'data')) as [Buffer];
    came.push(chunk);
  }
  assert.ok(Buffer.concat(came).equals(whole));
});

test('a length over the memory is refused', async () => {
  const { direct } = await pair();
  assert.equal(direct.send(sending.length + 1), 0);
});

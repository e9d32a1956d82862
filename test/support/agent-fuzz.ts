// Malformed messages of the ssh-agent protocol beside a healthy client, from a seed.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { concat } from '../../src/bytes/text.ts';
import { sshString } from '../../src/keys/fronts/ssh-agent/frame.ts';
import { framed, startAgentFront } from './agent-front.ts';

/** A small seeded generator (mulberry32): the same messages in every run of one seed. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const message = (type: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  concat(Uint8Array.of(type), ...parts);

/** Right messages of every type but LOCK, which would silence the healthy client too. */
function rightMessages(): Uint8Array[] {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const seed = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');
  const blob = concat(sshString('ssh-ed25519'), sshString(point));
  const fields = concat(sshString('ssh-ed25519'), sshString(point), sshString(concat(seed, point)));
  const number = Uint8Array.from({ length: 256 }, (_, index) => 1 + (index % 100));
  const rsa = concat(sshString('ssh-rsa'), ...Array.from({ length: 6 }, () => sshString(number)));
  const ecdsa = concat(
    ...['ecdsa-sha2-nistp256', 'nistp256'].map((each) => sshString(each)),
    sshString(number.subarray(0, 65)),
    sshString(number.subarray(0, 32)),
  );
  const comment = sshString('a key');
  const binding = concat(
    sshString('session-bind@openssh.com'),
    sshString(blob),
    sshString(number),
    sshString(concat(sshString('ssh-ed25519'), sshString(number.subarray(0, 64)))),
    Uint8Array.of(1),
  );
  return [
    message(11),
    message(13, sshString(blob), sshString('data'), new Uint8Array(4)),
    message(17, fields, comment),
    message(17, rsa, comment),
    message(17, ecdsa, comment),
    message(25, fields, comment, Uint8Array.of(2, 1, 0, 0, 1, 0)),
    message(18, sshString(blob)),
    message(19),
    message(23, sshString('passphrase')),
    message(27, binding),
    message(27, sshString('query')),
  ];
}

function spoiled(right: Uint8Array, random: (below: number) => number): Uint8Array {
  const bytes = right.slice();
  switch (random(6)) {
    case 0:
      return bytes.subarray(0, random(bytes.length + 1));
    case 1:
      return Uint8Array.from({ length: random(200) }, () => random(256));
    case 2:
      return concat(
        bytes,
        Uint8Array.from({ length: 1 + random(20) }, () => random(256)),
      );
    case 3:
      // A length in the middle that promises too much.
      bytes.fill(0xff, 1 + random(bytes.length), 5 + random(bytes.length));
      return bytes;
    default:
      for (let flips = 1 + random(4); flips > 0; flips--) bytes[random(bytes.length)] = random(256);
      return bytes;
  }
}

const LOCK = 22;

/** Collects what nobody holds, and tells the bytes of the heap that are left. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

/**
 * Sends so many malformed messages and holds the front to its word: a healthy client is answered
 * rightly all along, keys made inside stay, and memory does not grow with the number of messages.
 */
export async function fuzzAgent(seed: number, count: number): Promise<void> {
  await using front = await startAgentFront();
  const random = seeded(seed);
  const rights = rightMessages();
  const template = new Map<number, boolean | Uint8Array>([
    [0x01, true],
    [0x180, Uint8Array.fromHex('06032b6570')],
  ]);
  await front.vault.handle(
    {
      verb: 'generate-pair',
      mechanism: { type: 0x1055, parameter: { kind: 'none' } },
      publicTemplate: template,
      privateTemplate: new Map<number, boolean | Uint8Array>([[0x01, true]]),
    },
    front.caller,
  );
  const healthy = await front.connect();
  const inside = await healthy.ask(message(11));
  assert.ok(inside?.[4] === 1);
  let before = 0;
  for (let sent = 0; sent < count; sent++) {
    if (sent === Math.trunc(count / 4)) before = heapUsed();
    const client = await front.connect();
    // Some connections carry several messages, and some end in a torn one.
    for (let more = random(3); more >= 0; more--) {
      const bad = spoiled(rights[random(rights.length)] as Uint8Array, random);
      if (bad[0] !== LOCK) client.send(framed(bad));
    }
    if (random(10) === 0) client.send(framed(message(11)).subarray(0, 1 + random(4)));
    else if (random(4) === 0) await client.ask(message(11));
    client.close();
    if (sent % 50 !== 0) continue;
    // Away with what messages added that were right after all; some may still be under way.
    await healthy.ask(message(19));
    front.agent.offerAll();
    const answer = Buffer.from((await healthy.ask(message(11))) ?? []);
    assert.ok(answer.includes(inside.subarray(5)), `after ${sent}`);
  }
  await wait(200);
  await healthy.ask(message(19));
  front.agent.offerAll();
  assert.deepEqual(await healthy.ask(message(11)), inside);
  const grown = heapUsed() - before;
  assert.ok(grown < 16 << 20, `the heap grew by ${grown} bytes`);
  assert.equal(front.vault.state, 'operational');
  assert.deepEqual(front.faults, [], 'nothing unexpected happened inside');
}

// The agent's protocol message by message, beyond what ssh-add itself can be made to send.
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { concat } from '../../../../src/bytes/text.ts';
import { CKA, CKM } from '../../../../src/keys/engine/pkcs11.ts';
import { mpint, sshString } from '../../../../src/keys/fronts/ssh-agent/frame.ts';
import { startAgentFront } from '../../../support/agent-front.ts';
import type { AgentClient, AgentFront } from '../../../support/agent-front.ts';

const FAILURE = 5;
const SUCCESS = 6;
const [LIST, ADD, ADD_CONSTRAINED, REMOVE, REMOVE_ALL, LOCK, UNLOCK, EXTENSION] = [
  11, 17, 25, 18, 19, 22, 23, 27,
];

const message = (type: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  concat(Uint8Array.of(type), ...parts);
const u32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
};

async function answerTo(client: AgentClient, ...parts: readonly [number, ...Uint8Array[]]) {
  return (await client.ask(message(...parts)))?.[0];
}

/** Names of what the agent lists. */
async function listed(client: AgentClient): Promise<number> {
  const answer = await client.ask(message(LIST));
  assert.equal(answer?.[0], 12);
  return new DataView(answer.buffer, answer.byteOffset + 1).getUint32(0);
}

const raw = (key: KeyObject, field: 'x' | 'd' | 'y' | 'n' | 'e' | 'p' | 'q' | 'qi'): Uint8Array =>
  Buffer.from(key.export({ format: 'jwk' })[field] ?? '', 'base64url');

function ed25519() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const point = raw(publicKey, 'x');
  const seed = raw(privateKey, 'd');
  const blob = concat(sshString('ssh-ed25519'), sshString(point));
  const fields = concat(sshString('ssh-ed25519'), sshString(point), sshString(concat(seed, point)));
  return { privateKey, blob, fields, seed, point };
}

async function madeInside(front: AgentFront): Promise<void> {
  await front.vault.handle(
    {
      verb: 'generate-pair',
      mechanism: { type: CKM.EC_EDWARDS_KEY_PAIR_GEN, parameter: { kind: 'none' } },
      publicTemplate: new Map<number, boolean | Uint8Array>([
        [CKA.TOKEN, true],
        [CKA.EC_PARAMS, Uint8Array.fromHex('06032b6570')],
      ]),
      privateTemplate: new Map<number, boolean | Uint8Array>([
        [CKA.TOKEN, true],
        [CKA.PRIVATE, true],
        [CKA.LABEL, Buffer.from('inside')],
        // The mark of a key that ssh-add brought: only the token's own word says what was made here.
        [CKA.ID, Buffer.from('ssh-add:12345678')],
      ]),
    },
    front.caller,
  );
}

const objects = async (front: AgentFront): Promise<number> =>
  (await front.vault.handle({ verb: 'find', template: new Map() }, front.caller)).length;

test('keys whose halves do not fit, of other types or with unknown constraints leave nothing behind', async () => {
  await using front = await startAgentFront();
  const client = await front.connect();
  const [one, two] = [ed25519(), ed25519()];
  const comment = sshString('a key');

  assert.equal(await answerTo(client, ADD, one.fields, comment), SUCCESS);
  assert.equal(await listed(client), 1);
  const mixed = concat(
    sshString('ssh-ed25519'),
    sshString(one.point),
    sshString(concat(two.seed, one.point)),
  );
  assert.equal(await answerTo(client, REMOVE_ALL), SUCCESS);
  assert.equal(await answerTo(client, ADD, mixed, comment), FAILURE);
  assert.equal(await objects(front), 0);

  const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const point = (key: KeyObject): Uint8Array =>
    concat(Uint8Array.of(4), raw(key, 'x'), raw(key, 'y'));
  const ecFields = (publicKey: KeyObject, privateKey: KeyObject): Uint8Array =>
    concat(
      sshString('ecdsa-sha2-nistp256'),
      sshString('nistp256'),
      sshString(point(publicKey)),
      mpint(raw(privateKey, 'd')),
    );
  assert.equal(
    await answerTo(client, ADD, ecFields(ec.publicKey, ec.privateKey), comment),
    SUCCESS,
  );
  assert.equal(await answerTo(client, REMOVE_ALL), SUCCESS);
  const foreign = ecFields(other.publicKey, ec.privateKey);
  assert.equal(await answerTo(client, ADD, foreign, comment), FAILURE);

  for (const type of [
    'ssh-dss',
    'ssh-ed25519-cert-v01@openssh.com',
    'sk-ssh-ed25519@openssh.com',
  ]) {
    assert.equal(await answerTo(client, ADD, sshString(type), sshString('x'), comment), FAILURE);
  }
  for (const constraint of [
    concat(Uint8Array.of(3), u32(1)),
    concat(Uint8Array.of(255), sshString('restrict-destination-v00@openssh.com'), sshString('x')),
    Uint8Array.of(9),
  ]) {
    const constrained = [one.fields, comment, Uint8Array.of(2), constraint] as const;
    assert.equal(await answerTo(client, ADD_CONSTRAINED, ...constrained), FAILURE);
  }
  assert.equal(await objects(front), 0);
});

test('a key that was made inside is never destroyed, whatever its id says', async () => {
  await using front = await startAgentFront();
  const client = await front.connect();
  await madeInside(front);
  assert.equal(await listed(client), 1);
  assert.equal(await answerTo(client, REMOVE_ALL), SUCCESS);
  assert.equal(await listed(client), 0);
  assert.equal(await objects(front), 2);
  front.agent.offerAll();
  assert.equal(await listed(client), 1);
});

test('two connections that add one key at once add one key', async () => {
  await using front = await startAgentFront();
  const clients = await Promise.all(Array.from({ length: 8 }, () => front.connect()));
  const key = ed25519();
  const answers = await Promise.all(
    clients.map((client) => answerTo(client, ADD, key.fields, sshString('one'))),
  );
  assert.deepEqual(new Set(answers), new Set([SUCCESS]));
  assert.equal(await listed(clients[0] as AgentClient), 1);
  assert.equal(await objects(front), 2);
});

test('a lifetime ends by either clock, however long it is', async () => {
  await using front = await startAgentFront();
  const client = await front.connect();
  const key = ed25519();
  const added = [key.fields, sshString('brief'), Uint8Array.of(1)] as const;
  // Longer than setTimeout can wait: it must not end at once.
  assert.equal(await answerTo(client, ADD_CONSTRAINED, ...added, u32(0xffff_ffff)), SUCCESS);
  assert.equal(await listed(client), 1);
  front.clock.now += 0xffff_ffff * 1000;
  assert.equal(await listed(client), 0, 'the machine slept, and no timer ran');
  assert.equal(await objects(front), 0);
  assert.equal(await answerTo(client, ADD_CONSTRAINED, ...added, u32(0)), SUCCESS);
  assert.equal(await listed(client), 0);
});

test('a locked agent shows nothing; wrong passphrases wait ever longer', async () => {
  await using front = await startAgentFront();
  const [client, other] = [await front.connect(), await front.connect()];
  const key = ed25519();
  await answerTo(client, ADD, key.fields, sshString('one'));
  assert.equal(await answerTo(client, UNLOCK, sshString('x')), FAILURE, 'it is not locked');
  assert.equal(await answerTo(client, LOCK, sshString('correct')), SUCCESS);
  assert.equal(await listed(other), 0, 'for every connection');
  assert.equal(await answerTo(other, REMOVE, sshString(key.blob)), FAILURE);
  assert.equal(await answerTo(other, LOCK, sshString('again')), FAILURE);
  for (let round = 0; round < 9; round++) {
    assert.equal(await answerTo(client, UNLOCK, sshString('wrong')), FAILURE);
  }
  assert.deepEqual(front.waits, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
  assert.equal(await answerTo(client, UNLOCK, sshString('correct')), SUCCESS);
  assert.equal(await listed(client), 1);
});

/** A session-bind message, signed by the host as ssh passes it on. */
function bind(
  host: ReturnType<typeof ed25519>,
  session: Uint8Array,
  forwarding: boolean,
  signature = sign(null, session, host.privateKey),
): Uint8Array {
  return concat(
    sshString('session-bind@openssh.com'),
    sshString(host.blob),
    sshString(session),
    sshString(concat(sshString('ssh-ed25519'), sshString(signature))),
    Uint8Array.of(forwarding ? 1 : 0),
  );
}

test('bindings are believed with the host’s signature only, and forwarding always costs power', async () => {
  await using front = await startAgentFront();
  const host = ed25519();
  const session = Buffer.alloc(32, 7);
  const client = await front.connect();
  const forged = bind(host, session, false, Buffer.alloc(64));
  assert.equal(await answerTo(client, EXTENSION, forged), 28);
  assert.equal(await answerTo(client, EXTENSION, bind(host, session, false)), SUCCESS);
  const later = bind(host, Buffer.alloc(32, 8), true);
  assert.equal(await answerTo(client, EXTENSION, later), 28, 'bound for a login already');

  const remote = await front.connect();
  assert.equal(await answerTo(remote, EXTENSION, bind(host, session, true)), SUCCESS);
  assert.equal(await answerTo(remote, EXTENSION, bind(host, session, true)), SUCCESS, 'once more');
  assert.equal(await answerTo(remote, EXTENSION, bind(ed25519(), session, true)), 28, 'other key');
  const key = ed25519();
  assert.equal(await answerTo(remote, ADD, key.fields, sshString('x')), FAILURE);
  assert.equal(await answerTo(remote, LOCK, sshString('x')), FAILURE);
  assert.equal(await listed(remote), 0);

  const claiming = await front.connect();
  const unproved = bind(host, session, true, Buffer.alloc(64));
  assert.equal(await answerTo(claiming, EXTENSION, unproved), 28);
  assert.equal(await answerTo(claiming, REMOVE_ALL), FAILURE, 'its word against itself is enough');

  const asked = await client.ask(message(EXTENSION, sshString('query')));
  assert.deepEqual(
    asked,
    message(29, ...['query', 'query', 'session-bind@openssh.com'].map((each) => sshString(each))),
  );
  assert.equal(await answerTo(client, EXTENSION, sshString('unknown@example.org')), FAILURE);
});

test('nobody but the user is served, and malformed messages end their connection alone', async () => {
  await using stranger = await startAgentFront((process.getuid?.() ?? 0) + 1);
  if (process.getuid?.() !== 0) {
    assert.equal(await (await stranger.connect()).ask(message(LIST)), undefined);
  }
  await using front = await startAgentFront();
  const healthy = await front.connect();
  const key = ed25519();
  const cut = key.fields.subarray(0, -1);
  for (const malformed of [
    message(ADD, cut),
    message(ADD, key.fields),
    message(ADD, key.fields, sshString('x'), Uint8Array.of(0)),
    message(LIST, Uint8Array.of(0)),
    message(REMOVE, u32(0xffff_ffff)),
    message(LOCK, u32(5)),
    message(ADD_CONSTRAINED, key.fields, sshString('x'), Uint8Array.of(1, 0)),
    message(ADD, sshString(Uint8Array.of(0xff, 0xfe))),
    message(ADD, sshString('ssh-rsa'), ...Array.from({ length: 6 }, () => sshString(''))),
    new Uint8Array(),
  ]) {
    const client = await front.connect();
    assert.equal(await client.ask(malformed), undefined, Buffer.from(malformed).toString('hex'));
    assert.equal(await listed(healthy), 0);
  }
  const flood = await front.connect();
  for (let round = 0; round < 100; round++) flood.send(Uint8Array.of(0, 0, 0, 1, LIST));
  while ((await flood.ask(message(LIST))) !== undefined);
  assert.equal(await listed(healthy), 0);
  assert.equal(await objects(front), 0);
});

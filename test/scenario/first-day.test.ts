// A newcomer's first day: start, make keys, use them, restart, destroy.
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startStrongroom } from '../support/strongroom.ts';

test('keys are made, used, survive a restart, refuse other purposes, and are destroyed', async () => {
  await using first = await startStrongroom();
  const types = [
    'ed25519',
    'ec-p256',
    'ec-p384',
    'ec-secp256k1',
    'rsa-2048',
    'ml-dsa-44',
    'hmac-sha256',
  ];
  for (const type of types) {
    const made = first.cli(['key', 'create', type, '--type', type]);
    assert.equal(made.status, 0, made.err);
    const { out } = first.cli(['key', 'sign', type], 'a message');
    assert.ok(out.length >= 32);
  }
  // Judged outside: the signature of the inside verifies with the public half that came out.
  const pem = first.cli(['key', 'show', 'ec-p256', '--format', 'pem']).out.toString();
  const signature = first.cli(['key', 'sign', 'ec-p256'], 'a message').out;
  const publicKey = createPublicKey(pem);
  const judge = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
  assert.ok(verify('sha256', Buffer.from('a message'), judge, signature));
  assert.ok(!verify('sha256', Buffer.from('another'), judge, signature));

  assert.equal(first.cli(['key', 'create', 'box', '--type', 'aes-256']).status, 0);
  const sealed = first.cli(['key', 'encrypt', 'box'], 'cleartext').out;
  assert.ok(!sealed.includes('cleartext'));
  assert.equal(first.cli(['key', 'decrypt', 'box'], sealed).out.toString(), 'cleartext');
  sealed[20] = (sealed[20] ?? 0) ^ 1;
  assert.equal(first.cli(['key', 'decrypt', 'box'], sealed).status, 1);

  const wrongUse = first.cli(['key', 'encrypt', 'ed25519'], 'x');
  assert.equal(wrongUse.status, 1);
  assert.match(wrongUse.err, /made for sign and refuses encrypt/);
  assert.equal(
    first.cli(['key', 'create', 'box', '--type', 'aes-256']).status,
    1,
    'the name is taken',
  );

  assert.equal(first.cli(['lock']).status, 0);
  assert.equal(first.cli(['key', 'list']).status, 4);
  assert.equal(first.cli(['unlock']).status, 0);
  assert.equal(first.cli(['key', 'destroy', 'rsa-2048', '--yes']).status, 0);
  assert.equal(await first.stop(), 0);

  await using second = await startStrongroom(first.home);
  const names = JSON.parse(second.cli(['key', 'list', '--json']).out.toString()) as {
    name: string;
  }[];
  assert.ok(names.some((key) => key.name === 'box'));
  assert.ok(!names.some((key) => key.name === 'rsa-2048'));
  assert.equal(second.cli(['key', 'verify', 'ec-p256', '--signature', '/dev/null'], 'm').status, 1);
  for (const file of readdirSync(join(first.home, 'keys'))) {
    assert.equal(statSync(join(first.home, 'keys', file)).mode & 0o077, 0, `${file} is owner-only`);
  }
  assert.ok(
    !readFileSync(join(first.home, 'keys', 'store.db')).includes('ec-secp256k1'),
    'names are sealed too',
  );
});

test('the key process has dropped network, native calls, children and workers', async () => {
  await using running = await startStrongroom();
  const status = JSON.parse(running.cli(['status', '--json']).out.toString()) as {
    permissions: Record<string, boolean>;
    physicalProtection: string;
    pid: number;
  };
  for (const scope of ['net', 'ffi', 'child', 'worker', 'addon', 'wasi', 'inspector']) {
    assert.equal(status.permissions[scope], false, scope);
  }
  assert.equal(status.physicalProtection, 'none');
  const flags = readFileSync(`/proc/${status.pid}/status`, 'utf8');
  assert.match(flags, /NoNewPrivs:\s+1/);
});

test('a killed key process is started again with every acknowledged key', async () => {
  await using running = await startStrongroom();
  for (let round = 0; round < 5; round++) {
    assert.equal(running.cli(['key', 'create', `key-${round}`]).status, 0);
    const { pid } = JSON.parse(running.cli(['status', '--json']).out.toString()) as { pid: number };
    process.kill(pid, 'SIGKILL');
    assert.equal(running.cli(['status', '--wait', '20']).status, 0);
    const { out } = running.cli(['key', 'list', '--json']);
    assert.equal((JSON.parse(out.toString()) as unknown[]).length, round + 1);
  }
});

// ssh-keygen signs with keys that stay inside, and judges the result.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { test } from 'node:test';
import { skipWithoutSsh, startAgent } from '../support/ssh.ts';

const skip = skipWithoutSsh('ssh-keygen', 'ssh-add');

test('ssh-keygen signs through the agent, and verifies', { skip }, async () => {
  await using agent = await startAgent();
  const { run, fails, cli, file } = agent;
  const types = ['ed25519', 'ec-p256', 'ec-p384', 'ec-p521', 'rsa-2048'];
  for (const type of types)
    assert.equal((await cli('key', 'create', type, '--type', type)).status, 0);
  // Not for signing, or nothing that SSH knows: never offered.
  await cli('key', 'create', 'other', '--type', 'ec-p256', '--purpose', 'derive');
  await cli('key', 'create', 'quantum', '--type', 'ml-dsa-44');
  await cli('key', 'create', 'k1', '--type', 'ec-secp256k1');
  const listed = run('ssh-add', ['-L']).trim().split('\n');
  const names = new Set(listed.map((line) => line.split(' ').at(-1)));
  assert.deepEqual(names, new Set(types));
  assert.equal(listed.length, types.length);
  for (const line of listed) {
    const name = line.split(' ').at(-1) ?? '';
    assert.equal((await cli('key', 'show', name, '--format', 'ssh')).text, `${line}\n`);
    writeFileSync(file(`${name}.pub`), `${line}\n`);
    writeFileSync(file('allowed'), `me@here ${line}\n`);
    const sign = ['-Y', 'sign', '-n', 'file', '-f', `${name}.pub`];
    writeFileSync(file('letter.sig'), run('ssh-keygen', sign, 'a letter'));
    const judge = [
      '-Y',
      'verify',
      '-f',
      'allowed',
      '-I',
      'me@here',
      '-n',
      'file',
      '-s',
      'letter.sig',
    ];
    assert.match(run('ssh-keygen', judge, 'a letter'), /Good "file" signature/);
    fails('ssh-keygen', judge, 'another');
  }

  // Rubbish costs its sender the connection and nobody else anything.
  for (const rubbish of [
    [0xff, 0xff, 0xff, 0xff, 1],
    [0, 0, 0, 0],
    [0, 0, 0, 5, 13, 0, 0, 0, 9],
  ]) {
    const socket = connect(agent.environment['SSH_AUTH_SOCK'] ?? '');
    await once(socket, 'connect');
    socket.on('error', () => undefined);
    socket.write(Uint8Array.from(rubbish));
    socket.resume();
    await once(socket, 'close');
  }
  assert.equal(run('ssh-add', ['-L']).trim().split('\n').length, types.length);
});

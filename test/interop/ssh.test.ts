// OpenSSH itself signs with keys that stay inside, and judges the result.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startStrongroom } from '../support/strongroom.ts';

const missing = spawnSync('ssh-keygen', ['-?']).error !== undefined;
const skip = missing && process.env['CI'] !== 'true' ? 'ssh-keygen is not installed' : false;

test('ssh-keygen and git sign through the agent, and verify', { skip }, async () => {
  await using running = await startStrongroom();
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-ssh-'));
  const agent = join(running.home, 'ssh-agent.sock');
  const environment = {
    ...process.env,
    SSH_AUTH_SOCK: agent,
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
  };
  const run = (program: string, words: readonly string[], input = ''): string => {
    const done = spawnSync(program, words, { env: environment, input, cwd: folder });
    assert.equal(done.status, 0, `${program} ${words.join(' ')}: ${done.stderr.toString()}`);
    return done.stdout.toString();
  };
  try {
    const types = ['ed25519', 'ec-p256', 'ec-p384', 'ec-p521', 'rsa-2048'];
    for (const type of types) {
      assert.equal(running.cli(['key', 'create', type, '--type', type]).status, 0);
    }
    // Not for signing: never offered.
    assert.equal(
      running.cli(['key', 'create', 'other', '--type', 'ec-p256', '--purpose', 'derive']).status,
      0,
    );
    const listed = run('ssh-add', ['-L']).trim().split('\n');
    assert.equal(listed.length, types.length);
    for (const line of listed) {
      const name = line.split(' ').at(-1) ?? '';
      writeFileSync(join(folder, `${name}.pub`), `${line}\n`);
      writeFileSync(join(folder, 'allowed'), `me@here ${line}\n`);
      const signature = run(
        'ssh-keygen',
        ['-Y', 'sign', '-n', 'file', '-f', `${name}.pub`],
        'a letter',
      );
      writeFileSync(join(folder, 'letter.sig'), signature);
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
      const wrong = spawnSync('ssh-keygen', judge, {
        env: environment,
        input: 'another',
        cwd: folder,
      });
      assert.notEqual(wrong.status, 0);
    }

    run('git', ['init', '-q']);
    run('git', ['config', 'user.name', 'me']);
    run('git', ['config', 'user.email', 'me@here']);
    run('git', ['config', 'gpg.format', 'ssh']);
    run('git', ['config', 'user.signingkey', join(folder, 'rsa-2048.pub')]);
    run('git', ['config', 'gpg.ssh.allowedSignersFile', join(folder, 'allowed')]);
    writeFileSync(
      join(folder, 'allowed'),
      `me@here ${listed.find((line) => line.endsWith('rsa-2048')) ?? ''}\n`,
    );
    run('git', ['commit', '-q', '-S', '--allow-empty', '-m', 'signed']);
    run('git', ['verify-commit', 'HEAD']);

    // Rubbish costs its sender the connection and nobody else anything.
    for (const rubbish of [
      new Uint8Array([0xff, 0xff, 0xff, 0xff, 1]),
      new Uint8Array([0, 0, 0, 0]),
    ]) {
      const socket = connect(agent);
      await once(socket, 'connect');
      socket.on('error', () => undefined);
      socket.end(rubbish);
      socket.resume();
      await once(socket, 'close');
    }
    assert.equal(run('ssh-add', ['-L']).trim().split('\n').length, types.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

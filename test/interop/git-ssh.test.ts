// git signs commits and tags with keys that stay inside, and verifies them.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { skipWithoutSsh, startAgent } from '../support/ssh.ts';

test(
  'git commits and tags are signed and verified',
  { skip: skipWithoutSsh('git', 'ssh-keygen') },
  async () => {
    await using agent = await startAgent();
    const { run, fails, cli, file } = agent;
    const git = (...words: readonly string[]) => run('git', words);
    git('init', '-q');
    for (const [name, value] of [
      ['user.name', 'me'],
      ['user.email', 'me@here'],
      ['gpg.format', 'ssh'],
      ['gpg.ssh.allowedSignersFile', file('allowed')],
    ] as const) {
      git('config', name, value);
    }
    for (const type of ['ed25519', 'ec-p256', 'rsa-2048']) {
      assert.equal((await cli('key', 'create', type, '--type', type)).status, 0);
      const line = (await cli('key', 'show', type, '--format', 'ssh')).text.trim();
      writeFileSync(file(`${type}.pub`), `${line}\n`);
      writeFileSync(file('allowed'), `me@here ${line}\n`);
      git('config', 'user.signingkey', file(`${type}.pub`));
      git('commit', '-q', '-S', '--allow-empty', '-m', `signed with ${type}`);
      git('verify-commit', 'HEAD');
      assert.match(git('log', '-1', '--format=%G? %GS'), /^G me@here/);
      git('tag', '-s', '-m', type, type);
      git('verify-tag', type);
      // Not with the key of somebody else.
      assert.equal((await cli('key', 'create', `not-${type}`)).status, 0);
      const other = (await cli('key', 'show', `not-${type}`, '--format', 'ssh')).text;
      writeFileSync(file('allowed'), `me@here ${other}`);
      fails('git', ['verify-commit', 'HEAD']);
    }
  },
);

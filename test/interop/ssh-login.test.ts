// Logins to a real sshd with keys that stay inside, and what a forwarded agent may do there.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { skipWithoutSsh, startAgent } from '../support/ssh.ts';
import { SSHD, startSshd } from '../support/sshd.ts';

const skip =
  skipWithoutSsh('ssh', 'ssh-add', 'ssh-keygen') ||
  (!existsSync(SSHD) && process.env['CI'] !== 'true' && 'sshd is not installed');

test(
  'a key made inside and a key brought in log in; a key that is not allowed does not',
  { skip },
  async () => {
    await using agent = await startAgent();
    const { run, fails, keygen, cli, file } = agent;
    await using sshd = await startSshd(agent);
    const login = (...options: readonly string[]) =>
      ['ssh', [...options, ...sshd.options, 'echo', 'welcome']] as const;

    for (const type of ['ed25519', 'ec-p256', 'ec-p384', 'ec-p521', 'rsa-3072']) {
      assert.equal((await cli('key', 'create', type, '--type', type)).status, 0);
      const line = (await cli('key', 'show', type, '--format', 'ssh')).text.trim();
      writeFileSync(file(`${type}.pub`), `${line}\n`);
      sshd.allow([line]);
      const one = ['-o', 'IdentitiesOnly=yes', '-i', file(`${type}.pub`)];
      assert.equal(run(...login(...one)), 'welcome\n', type);
      const fingerprint = run('ssh-keygen', ['-l', '-f', `${type}.pub`]).split(' ')[1] ?? 'none';
      assert.ok(sshd.log().includes(`Accepted publickey for ${sshd.user}`));
      assert.ok(sshd.log().includes(fingerprint), 'with this very key');
    }

    keygen('brought', 'ed25519');
    fails(...login('-o', 'IdentitiesOnly=yes', '-i', file('brought.pub')));
    sshd.allow([readFileSync(file('brought.pub'), 'utf8').trim()]);
    run('ssh-add', ['-q', 'brought']);
    rmSync(file('brought'));
    assert.equal(run(...login()), 'welcome\n', 'found among all that the agent offers');
    run('ssh-add', ['-d', 'brought.pub']);
    assert.match(fails(...login()), /Permission denied/);

    // RSA signs with SHA-2 whatever the server would take; SHA-1 is refused.
    sshd.allow([readFileSync(file('rsa-3072.pub'), 'utf8').trim()]);
    const rsa = (algorithm: string) =>
      login(
        '-o',
        'IdentitiesOnly=yes',
        '-i',
        file('rsa-3072.pub'),
        '-o',
        `PubkeyAcceptedAlgorithms=${algorithm}`,
      );
    for (const algorithm of ['rsa-sha2-256', 'rsa-sha2-512'])
      assert.equal(run(...rsa(algorithm)), 'welcome\n');
    assert.match(fails(...rsa('ssh-rsa')), /agent refused operation/);

    await cli('lock');
    assert.match(fails(...rsa('rsa-sha2-512')), /Permission denied/);
  },
);

/** What the far side runs: it lists and signs, and tries everything else. */
function remoteWork(folder: string): string {
  const tries = [
    'ssh-add -D',
    'ssh-add -d brought.pub',
    'ssh-add remote',
    'ssh-add -x',
    'ssh-add -X',
  ];
  return [
    `cd ${folder}`,
    `export SSH_ASKPASS=${folder}/askpass SSH_ASKPASS_REQUIRE=force`,
    'ssh-add -l',
    'echo a letter | ssh-keygen -Y sign -n file -f inside.pub',
    ...tries.map((each) => `${each} && echo "DONE ${each}"`),
    'true',
  ].join('\n');
}

test(
  'a host that the agent is forwarded to signs with it, and changes nothing',
  { skip },
  async () => {
    await using agent = await startAgent();
    const { run, keygen, cli, file } = agent;
    assert.equal((await cli('key', 'create', 'inside')).status, 0);
    const line = (await cli('key', 'show', 'inside', '--format', 'ssh')).text.trim();
    writeFileSync(file('inside.pub'), `${line}\n`);
    agent.passphrase('correct horse');
    keygen('remote', 'ed25519');
    keygen('brought', 'ed25519');
    // A key that asks: the question tells where the wish comes from.
    run('ssh-add', ['-q', '-c', 'brought']);
    // Each type of host key signs its binding in its own way.
    for (const hostKey of ['ed25519', 'ecdsa', 'rsa']) {
      await using sshd = await startSshd(agent, hostKey);
      sshd.allow([line]);
      const said = run('ssh', ['-A', ...sshd.options, remoteWork(agent.folder)]);
      assert.match(said, /brought[^]*inside|inside[^]*brought/);
      assert.match(said, /BEGIN SSH SIGNATURE/);
      assert.doesNotMatch(said, /DONE/);
      assert.match(run('ssh-add', ['-l']), /brought[^]*inside|inside[^]*brought/);

      const asking = cli('confirm', '--wait', '60', '--list', '--json').then(async ({ text }) => {
        const [first] = JSON.parse(text) as { id: number; question: string }[];
        await cli('confirm', '--refuse', String(first?.id));
        return first?.question ?? '';
      });
      const sign = `cd ${agent.folder} && echo x | ssh-keygen -Y sign -n file -f brought.pub`;
      const remote = spawn('ssh', ['-A', ...sshd.options, sign], {
        env: agent.environment,
        stdio: 'ignore',
      });
      const ended = new Promise((resolve) => {
        remote.once('exit', resolve);
      });
      const question = await asking;
      await ended;
      const fingerprint =
        run('ssh-keygen', ['-l', '-f', `host-${hostKey}.pub`]).split(' ')[1] ?? 'none';
      assert.ok(question.includes(`on the host with key ${fingerprint}`), question);
      assert.match(question, /namespace `file`.*forwarded/);
    }
  },
);

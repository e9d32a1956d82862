// ssh-add brings keys in, takes them away, locks the agent; what it prints is what happened.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { skipWithoutSsh, startAgent } from '../support/ssh.ts';
import type { SshAgent } from '../support/ssh.ts';

const skip = skipWithoutSsh('ssh-add', 'ssh-keygen');

/** Signs with the agent by the public file alone, and has ssh-keygen judge. */
function signs(agent: SshAgent, name: string): void {
  const { run, file } = agent;
  writeFileSync(file('allowed'), `me@here ${readFileSync(file(`${name}.pub`), 'utf8')}`);
  // ssh-keygen falls back on the private file where there is one.
  const there = existsSync(file(name));
  if (there) renameSync(file(name), file('away'));
  const namespace = ['-n', 'file'];
  const signature = run(
    'ssh-keygen',
    ['-Y', 'sign', ...namespace, '-f', `${name}.pub`],
    'a letter',
  );
  if (there) renameSync(file('away'), file(name));
  writeFileSync(file('letter.sig'), signature);
  const judge = [
    '-Y',
    'verify',
    '-f',
    'allowed',
    '-I',
    'me@here',
    ...namespace,
    '-s',
    'letter.sig',
  ];
  assert.match(run('ssh-keygen', judge, 'a letter'), /Good "file" signature/);
}

test('keys of every type come in, sign without their file, and stay', { skip }, async () => {
  await using agent = await startAgent();
  const { run, fails, keygen, cli, file } = agent;
  const names: string[] = [];
  for (const [type, bits] of [
    ['ed25519', '256'],
    ['ecdsa', '256'],
    ['ecdsa', '384'],
    ['ecdsa', '521'],
    ['rsa', '2048'],
    ['rsa', '3072'],
    ['rsa', '4096'],
  ] as const) {
    const name = `${type}-${bits}`;
    names.push(name);
    keygen(name, type, ['-b', bits]);
    run('ssh-add', ['-q', name]);
    const fingerprint = run('ssh-keygen', ['-l', '-f', `${name}.pub`]).split(' ')[1] ?? '';
    rmSync(file(name));
    assert.ok(run('ssh-add', ['-l']).includes(fingerprint), name);
    assert.equal(
      run('ssh-add', ['-L'])
        .split('\n')
        .find((line) => line.endsWith(name)),
      readFileSync(file(`${name}.pub`), 'utf8').trimEnd(),
    );
    signs(agent, name);
  }
  const listed = (await cli('key', 'list')).text;
  for (const name of names)
    assert.match(listed, new RegExp(`^${name} .*sign +came from outside$`, 'm'));
  // The command line uses them too: both halves are there.
  writeFileSync(file('data'), 'a letter');
  await cli('key', 'sign', 'rsa-2048', '--in', file('data'), '--out', file('sig'));
  const verified = await cli(
    'key',
    'verify',
    'rsa-2048',
    '--in',
    file('data'),
    '--signature',
    file('sig'),
  );
  assert.equal(verified.status, 0, verified.err);

  // They outlive the key process.
  const { pid } = JSON.parse((await cli('status', '--json')).text) as { pid: number };
  process.kill(pid, 'SIGKILL');
  await wait(200);
  assert.equal((await cli('status', '--wait', '60')).status, 0);
  signs(agent, 'ed25519-256');

  agent.passphrase('opensesame');
  keygen('locked', 'ed25519', ['-N', 'opensesame']);
  run('ssh-add', ['-q', 'locked']);
  signs(agent, 'locked');

  // Two keys with one comment are two names; the same key twice is one key.
  keygen('twin', 'ed25519', ['-C', 'ed25519-256']);
  run('ssh-add', ['-q', 'twin']);
  run('ssh-add', ['-q', 'twin']);
  assert.match(run('ssh-add', ['-l']), /ed25519-256 2 \(ED25519\)/);
  assert.doesNotMatch(run('ssh-add', ['-l']), /ed25519-256 3/);

  // What is not taken is refused, and nothing of it stays.
  const count = (await cli('key', 'list', '--names')).text;
  keygen('small', 'rsa', ['-b', '1024']);
  assert.match(fails('ssh-add', ['small']), /refused operation/);
  run('ssh-keygen', ['-q', '-s', 'twin', '-I', 'me', '-n', 'me', 'locked.pub']);
  assert.match(
    agent.spawn('ssh-add', ['locked']).said,
    /locked-cert.pub[^]*refused operation|failed/i,
  );
  writeFileSync(file('known'), `there ${readFileSync(file('twin.pub'), 'utf8')}`);
  const restricted = ['-H', 'known', '-h', 'there', 'twin'];
  assert.match(fails('ssh-add', restricted), /refused operation/, 'a restriction that is not kept');
  assert.equal((await cli('key', 'list', '--names')).text, count);
});

test('-d and -D destroy what came in, and take the rest off the list only', { skip }, async () => {
  await using agent = await startAgent();
  const { run, fails, keygen, cli, file } = agent;
  for (const name of ['one', 'two', 'three']) {
    keygen(name, 'ed25519');
    run('ssh-add', ['-q', name]);
  }
  assert.equal((await cli('key', 'create', 'inside')).status, 0);
  assert.equal((await cli('key', 'create', 'also')).status, 0);
  writeFileSync(file('inside.pub'), (await cli('key', 'show', 'inside', '--format', 'ssh')).text);
  assert.equal((await cli('key', 'import', 'kept', '--in', file('three'))).status, 0);
  keygen('four', 'ed25519');
  assert.equal((await cli('key', 'import', 'four', '--in', file('four'))).status, 0);

  run('ssh-add', ['-d', 'one']);
  assert.match(fails('ssh-add', ['-d', 'one']), /refused operation/);
  assert.equal((await cli('key', 'show', 'one')).status, 1, 'destroyed');
  run('ssh-add', ['-d', 'inside.pub']);
  assert.doesNotMatch(run('ssh-add', ['-l']), /inside/);
  assert.equal((await cli('key', 'show', 'inside')).status, 0, 'not destroyed');
  fails('ssh-keygen', ['-Y', 'sign', '-n', 'file', '-f', 'inside.pub'], 'x');

  assert.match(agent.spawn('ssh-add', ['-D']).said, /All identities removed/);
  assert.match(fails('ssh-add', ['-l']), /no identities/);
  const left = (await cli('key', 'list', '--names')).text.trim().split('\n').sort();
  assert.deepEqual(left, ['also', 'four', 'inside', 'kept'], 'only what ssh-add brought is gone');

  // Adding again what was withheld offers it again; `offer` offers all.
  run('ssh-add', ['-q', 'four']);
  assert.match(run('ssh-add', ['-l']), /four/);
  assert.equal((await cli('ssh-agent', 'offer')).status, 0);
  assert.match(run('ssh-add', ['-l']), /also[^]*inside|inside[^]*also/);
  signs(agent, 'inside');
});

test('a lifetime ends, and is kept in memory alone', { skip }, async () => {
  await using agent = await startAgent();
  const { run, keygen, cli } = agent;
  keygen('brief', 'ed25519');
  keygen('long', 'ecdsa');
  run('ssh-add', ['-q', '-t', '2', 'brief']);
  run('ssh-add', ['-q', '-t', '1w', 'long']);
  signs(agent, 'long');
  assert.equal((await cli('key', 'list')).text.trim(), 'no keys yet: strongroom key create NAME');
  for (let tries = 0; tries < 300 && run('ssh-add', ['-l']).includes('brief'); tries++)
    await wait(200);
  assert.match(run('ssh-add', ['-l']), /long/);
  assert.doesNotMatch(run('ssh-add', ['-l']), /brief/);
  // Locking forgets what is in memory alone; added for good, a key with a lifetime stays.
  run('ssh-add', ['-q', 'brief']);
  await cli('lock');
  await cli('unlock');
  assert.match(run('ssh-add', ['-l']), /brief/);
  assert.doesNotMatch(run('ssh-add', ['-l']), /long/);
  // And the other way round: given a lifetime, it is stored no more.
  run('ssh-add', ['-q', '-t', '1w', 'brief']);
  assert.match(run('ssh-add', ['-l']), /brief/);
  assert.doesNotMatch((await cli('key', 'list', '--names')).text, /brief/);
  // A key that is inside to stay gets none.
  await cli('key', 'import', 'stays', '--in', agent.file('long'));
  assert.match(agent.fails('ssh-add', ['-t', '1w', 'long']), /refused operation/);
});

test('-c asks before every use', { skip }, async () => {
  await using agent = await startAgent();
  const { run, keygen, cli } = agent;
  keygen('asks', 'ed25519');
  run('ssh-add', ['-q', '-c', 'asks']);
  assert.match((await cli('key', 'list')).text, /^asks .*asks before use$/m);
  const refusing = cli('confirm', '--wait', '60', '--list', '--json').then(async ({ text }) => {
    const [first] = JSON.parse(text) as { id: number }[];
    return await cli('confirm', '--refuse', String(first?.id));
  });
  // This process answers while ssh-keygen waits.
  const signing = spawn('ssh-keygen', ['-Y', 'sign', '-n', 'file', '-f', 'asks.pub'], {
    cwd: agent.folder,
    env: agent.environment,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  signing.stdin.end('a letter');
  const status = new Promise((resolve) => {
    signing.once('exit', resolve);
  });
  assert.equal((await refusing).status, 0);
  assert.notEqual(await status, 0);
  // Adding it once more without -c is the person's word that it need not ask.
  run('ssh-add', ['-q', 'asks']);
  signs(agent, 'asks');
  // A key that was made inside can be told to ask, and no ssh-add takes that back.
  keygen('inside', 'ed25519');
  await cli('key', 'import', 'inside', '--in', agent.file('inside'));
  run('ssh-add', ['-q', '-c', 'inside']);
  run('ssh-add', ['-q', 'inside']);
  assert.match((await cli('key', 'list')).text, /^inside .*asks before use$/m);
});

test(
  '-x locks the agent, over a restart too, and -X opens it with the passphrase alone',
  { skip },
  async () => {
    await using agent = await startAgent();
    const { run, fails, keygen, cli } = agent;
    keygen('one', 'ed25519');
    run('ssh-add', ['-q', 'one']);
    agent.passphrase('correct horse');
    run('ssh-add', ['-x']);
    assert.match(fails('ssh-add', ['-l']), /no identities/);
    renameSync(agent.file('one'), agent.file('away'));
    fails('ssh-keygen', ['-Y', 'sign', '-n', 'file', '-f', 'one.pub'], 'a letter');
    renameSync(agent.file('away'), agent.file('one'));
    for (const words of [['one'], ['-d', 'one'], ['-D'], ['-x']]) fails('ssh-add', words);
    agent.passphrase('wrong horse');
    fails('ssh-add', ['-X']);

    const { pid } = JSON.parse((await cli('status', '--json')).text) as { pid: number };
    process.kill(pid, 'SIGKILL');
    await wait(200);
    assert.equal((await cli('status', '--wait', '60')).status, 0);
    assert.match(fails('ssh-add', ['-l']), /no identities/, 'a restart opens nothing');
    await cli('lock');
    await cli('unlock');
    assert.match(fails('ssh-add', ['-l']), /no identities/);

    agent.passphrase('correct horse');
    run('ssh-add', ['-X']);
    signs(agent, 'one');
    fails('ssh-add', ['-X']);
  },
);

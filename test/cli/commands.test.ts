// Every command, whoever added it: it loads, explains itself, and takes no nonsense.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { parseArgs } from 'node:util';
import { commands } from '../../src/cli/commands.ts';
import { cliAt } from '../support/cli.ts';

const cli = cliAt('/nonexistent/strongroom');

test('every command has a sentence, a usage, a help and an example that its own parser takes', async () => {
  const names = commands.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, 'a name occurs once');
  for (const { name, load } of commands) {
    const command = await load();
    assert.match(command.summary, /^[a-z].*[^.]$/, `${name}: one sentence without a full stop`);
    assert.ok(command.example.includes(`strongroom ${name}`), `${name}: the example shows it`);
    // The words of the example up to whatever the shell does next.
    const [, words = ''] = command.example.split(`strongroom ${name}`);
    const args = (/^[^)|&;<>]*/.exec(words)?.[0] ?? '').trim().split(/\s+/).filter(Boolean);
    const { positionals } = parseArgs({
      args,
      options: { ...command.options, help: { type: 'boolean' }, json: { type: 'boolean' } },
      allowPositionals: true,
    });
    const [least, most] = command.positionals;
    assert.ok(
      positionals.length >= least && positionals.length <= most,
      `${name}: ${command.example}`,
    );
    for (const option of Object.keys(command.options)) {
      const told = `${command.usage}\n${command.help}`;
      assert.ok(told.includes(`--${option}`), `${name}: --${option} stands in its help`);
    }
    for (const option of Object.keys(command.values ?? {})) {
      assert.equal(
        command.options[option]?.type,
        'string',
        `${name}: --${option} completes nothing`,
      );
    }

    const help = await cli(...name.split(' '), '--help');
    assert.equal(help.status, 0, name);
    assert.ok(
      help.text.includes(command.example) && help.text.includes(`usage: strongroom ${name}`),
    );
    const told = JSON.parse((await cli(...name.split(' '), '--help', '--json')).text) as {
      example: string;
    };
    assert.equal(told.example, command.example);

    const unknown = await cli(...name.split(' '), '--no-such-option');
    assert.equal(unknown.status, 2, name);
    assert.match(unknown.err, /^strongroom: unknown option .*\nhint: /);
    const words9 = Array.from({ length: most + 1 }, () => 'word');
    const many = await cli(...name.split(' '), ...words9);
    assert.equal(many.status, 2, `${name}: too many arguments`);
    if (least > 0) assert.equal((await cli(...name.split(' '))).status, 2, `${name}: too few`);
  }
});

test('a mistyped command or option is answered with the one that was meant', async () => {
  for (const [typed, meant] of [
    [['staus'], 'status'],
    [['keys'], 'key'],
    [['key', 'crate', 'x'], 'key create'],
    [['key', 'lsit'], 'key list'],
    [['unlok'], 'unlock'],
    [['key', 'create', 'x', '--tpye', 'aes-256'], '--type'],
    [['key', 'sign', 'x', '--ou', 'f'], '--out'],
  ] as const) {
    const said = await cli(...typed);
    assert.equal(said.status, 2, typed.join(' '));
    assert.match(said.err, /did you mean/);
    assert.ok(said.err.includes(meant), said.err);
  }
  const nothingNear = await cli('xyzzy');
  assert.equal(nothingNear.status, 2);
  assert.doesNotMatch(nothingNear.err, /did you mean/);
});

test('help lists every command, a group its own, and one command what --help tells', async () => {
  const all = await cli('help');
  for (const { name } of commands) assert.ok(all.text.includes(`  ${name} `), name);
  assert.equal((await cli()).text, all.text);
  for (const words of [
    ['key', '--help'],
    ['help', 'key'],
    ['key', 'help'],
  ]) {
    const group = await cli(...words);
    assert.equal(group.status, 0);
    assert.ok(group.text.includes('key create') && !group.text.includes('pkcs11 env'));
  }
  assert.equal((await cli('help', 'key', 'sign')).text, (await cli('key', 'sign', '--help')).text);
  assert.match((await cli('--version')).text, /^\d+\.\d+\.\d+\n$/);
});

test('errors come as one sentence with a hint, or as JSON, with their exit code', async () => {
  const said = await cli('key', 'list');
  assert.equal(said.status, 1);
  assert.equal(
    said.err,
    'strongroom: the strongroom is not running\nhint: start it with `strongroom up`\n',
  );
  const json = await cli('key', 'list', '--json');
  assert.deepEqual(JSON.parse(json.err), {
    error: {
      code: 'KEYS_NOT_RUNNING',
      message: 'the strongroom is not running',
      mend: 'start it with `strongroom up`',
    },
  });
  assert.equal(json.text, '');
  assert.equal((await cli('status', '--wait', 'soon')).status, 2);
});

test('exit codes come out of bin/strongroom as they are, from any folder', () => {
  const program = join(dirname(dirname(import.meta.dirname)), 'bin/strongroom');
  const run = (...words: readonly string[]) =>
    spawnSync(program, words, {
      cwd: '/',
      env: { ...process.env, STRONGROOM_HOME: '/nonexistent/strongroom' },
      encoding: 'utf8',
    });
  assert.match(run('help', '--version').stdout, /^\d/);
  assert.equal(run('key', 'list').status, 1);
  assert.equal(run('key', 'list', '--nonsense').status, 2);
});

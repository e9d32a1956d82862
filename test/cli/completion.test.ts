// The shells themselves complete commands, options, values and the names of keys.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { connectKeys } from '../../src/keys/client.ts';
import { startStrongroom } from '../support/strongroom.ts';
import type { Running } from '../support/strongroom.ts';

const folder = mkdtempSync(join(tmpdir(), 'strongroom-completion-'));
const evil = join(folder, 'evil');
let running: Running;
let environment: NodeJS.ProcessEnv;
before(async () => {
  running = await startStrongroom();
  // The program by its name in the PATH, straight to the Node that runs this.
  const main = join(dirname(dirname(import.meta.dirname)), 'src/cli/main.ts');
  writeFileSync(
    join(folder, 'strongroom'),
    `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`,
  );
  chmodSync(join(folder, 'strongroom'), 0o755);
  environment = {
    ...process.env,
    HOME: folder,
    STRONGROOM_HOME: running.home,
    PATH: `${folder}:${process.env['PATH'] ?? ''}`,
  };
  const client = await connectKeys(running.home);
  for (const name of ['release', 'two words', `$(touch ${evil})`, 'box']) {
    await client.create(name, { type: name === 'box' ? 'aes-256' : 'ed25519' });
  }
  client.close();
});
after(async () => {
  await running[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function skipWithout(shell: string): string | false {
  const missing = spawnSync('which', [shell]).status !== 0;
  return missing && process.env['CI'] !== 'true' ? `${shell} is not installed` : false;
}

function run(shell: string, words: readonly string[], script: string): string {
  const done = spawnSync(shell, [...words, script], {
    env: environment,
    cwd: folder,
    encoding: 'utf8',
    timeout: 120_000,
  });
  assert.equal(done.status, 0, `${shell}: ${done.stderr}${done.stdout}`);
  return done.stdout;
}

/** What stands on the line, and all that must and must not be offered for its last word. */
const CASES: readonly (readonly [
  line: readonly string[],
  offered: readonly string[],
  never: readonly string[],
])[] = [
  [[''], ['key', 'status', 'ssh-agent'], ['create', 'release']],
  [['st'], ['status'], ['key']],
  [['key', ''], ['create', 'list', 'unwrap'], ['status']],
  [['key', 'create', 'x', '--ty'], ['--type'], ['--purpose']],
  [['key', 'create', 'x', '--type', 'rsa'], ['rsa-2048', 'rsa-4096'], ['ed25519']],
  [['key', 'create', 'x', '--purpose', ''], ['sign', 'wrap'], ['x']],
  [['key', 'sign', 're'], ['release'], ['box']],
  [['key', 'sign', '--scheme', 'rsa-pss-sha256', ''], ['release', 'box'], []],
  [['key', 'wrap', 'release', '--with', 'b'], ['box'], ['release']],
  [['completion', ''], ['bash', 'zsh', 'fish'], []],
];

test('bash completes', { skip: skipWithout('bash') }, () => {
  const asked = CASES.map(([words], index) => {
    const line = ['strongroom', ...words].map((word) => `'${word}'`).join(' ');
    return `COMP_WORDS=(${line}); COMP_CWORD=${words.length}; COMPREPLY=(); _strongroom
printf '${index}\\t%s\\n' "\${COMPREPLY[@]}"`;
  });
  const told = run(
    'bash',
    ['-euc'],
    `eval "$(strongroom completion bash)"\ncomplete -p strongroom\n${asked.join('\n')}`,
  );
  assert.match(told, /^complete .*-F _strongroom strongroom$/m);
  const offered = (index: number): string[] =>
    told
      .split('\n')
      .filter((line) => line.startsWith(`${index}\t`))
      .map((line) => line.slice(line.indexOf('\t') + 1));
  CASES.forEach(([words, must, never], index) => {
    for (const word of must)
      assert.ok(
        offered(index).includes(word),
        `${words.join(' ')}: ${word} in ${offered(index).join('|')}`,
      );
    for (const word of never)
      assert.ok(!offered(index).includes(word), `${words.join(' ')}: not ${word}`);
  });
  // Names go into the line as one word each, and are never run.
  const names = run(
    'bash',
    ['-euc'],
    `eval "$(strongroom completion bash)"
COMP_WORDS=(strongroom key show ''); COMP_CWORD=3; COMPREPLY=(); _strongroom
for name in "\${COMPREPLY[@]}"; do eval "set -- $name"; echo "$# $1"; done`,
  );
  assert.match(names, /^1 two words$/m);
  assert.ok(names.includes(`1 $(touch ${evil})`));
  assert.ok(!existsSync(evil));
});

test('fish completes', { skip: skipWithout('fish') }, () => {
  for (const [words, must, never] of CASES) {
    const line = ['strongroom', ...words].join(' ');
    const told = run(
      'fish',
      ['--no-config', '-c'],
      `strongroom completion fish | source; complete -C '${line}'`,
    );
    const offered = new Set(told.split('\n').map((each) => each.split('\t')[0]));
    for (const word of must) assert.ok(offered.has(word), `${line}: ${word} in ${told}`);
    for (const word of never) assert.ok(!offered.has(word), `${line}: not ${word}`);
  }
  assert.ok(!existsSync(evil));
});

test('zsh completes', { skip: skipWithout('zsh') }, () => {
  // An interactive zsh on a terminal of its own, to which the outer one types.
  const typed = [
    ['key cre', 'key create '],
    ['key create x --type rsa-20', 'key create x --type rsa-2048 '],
    ['key sign rel', 'key sign release '],
    ['key show two', 'key show two\\ words '],
    ['key wrap release --with b', 'key wrap release --with box '],
    ['completion zs', 'completion zsh '],
  ] as const;
  const script = `zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u -d ${folder}/dump; eval "$(strongroom completion zsh)"'
zpty -w z 'took() { print -r -- "<$BUFFER>" }; line() { print -r -- "took [$BUFFER]" >> ${folder}/lines; BUFFER=; }; zle -N line; bindkey "^G" line'
for typed in ${typed.map(([each]) => `'${each}'`).join(' ')}; do
  lines=$(wc -l < ${folder}/lines 2>/dev/null || echo 0)
  zpty -w -n z "strongroom $typed"$'\\t'$'\\x07'
  for tries in {1..600}; do
    now=$(wc -l < ${folder}/lines 2>/dev/null || echo 0)
    (( now > lines )) && break
    sleep 0.1
  done
done
zpty -d z
cat ${folder}/lines`;
  const told = run('zsh', ['-f', '-c'], script);
  for (const [, line] of typed)
    assert.ok(told.includes(`took [strongroom ${line}]`), `${line}: ${told}`);
  assert.ok(!existsSync(evil));
});

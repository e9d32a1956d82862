// What the docs promise of the command line is there, and what is there stands in the docs.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { commands } from '../../src/cli/commands.ts';

const root = dirname(dirname(import.meta.dirname));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** First words of the commands that belong to the keys; other parts have pages of their own. */
const OURS = new Set([
  'init',
  'up',
  'status',
  'unlock',
  'lock',
  'confirm',
  'pin',
  'key',
  'ssh-agent',
  'pkcs11',
  'completion',
  'help',
]);

test('docs/cli.md has a row for every command, and no row for none', () => {
  const rows = read('docs/cli.md').split('\n## ')[0] ?? '';
  const told = [...rows.matchAll(/^\| (`[^|]*) \|/gm)].flatMap((row) =>
    [...(row[1] ?? '').matchAll(/`([a-z0-9 -]+)`/g)].map((each) => each[1] ?? ''),
  );
  const ours = commands
    .map(({ name }) => name)
    .filter((name) => OURS.has(name.split(' ')[0] ?? ''));
  assert.deepEqual(new Set(told), new Set(ours));
});

test('commands and options that the docs show exist', async () => {
  for (const page of [
    'README.md',
    'docs/cli.md',
    'docs/ssh.md',
    'docs/keys.md',
    'docs/pkcs11.md',
  ]) {
    for (const [, line = ''] of read(page).matchAll(/strongroom ((?:[a-z0-9-]+ ?)+[^`"|&;\n]*)/g)) {
      const words = line.trim().split(/\s+/);
      const entry = commands.find(({ name }) => {
        const parts = name.split(' ');
        return parts.every((part, index) => words[index] === part);
      });
      if (entry === undefined) continue;
      const { options } = await entry.load();
      for (const word of words.filter((each) => /^--[a-z]/.test(each))) {
        const known = [...Object.keys(options), 'help', 'json'];
        assert.ok(known.includes(word.slice(2)), `${page}: strongroom ${line}`);
      }
    }
  }
});

test('docs/errors.md tells of every error that the command line has of its own', () => {
  const page = read('docs/errors.md');
  const codes = new Set<string>();
  for (const file of globSync('src/{cli,node,keys/fronts}/**/*.ts', { cwd: root })) {
    for (const [, code = ''] of read(file).matchAll(/new StrongroomError\(\s*'([A-Z_]+)'/g)) {
      codes.add(code);
    }
  }
  assert.ok(codes.size > 5);
  const engine = new Set(['DEVICE_ERROR', 'ARGUMENTS_BAD']);
  const missing = [...codes].filter((code) => !page.includes(`\`${code}\``) && !engine.has(code));
  assert.deepEqual(missing, []);
});

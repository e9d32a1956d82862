// Formatter, linter with import borders, and type check; `--fix` writes what can be written.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const root = dirname(import.meta.dirname);
const fix = process.argv.includes('--fix');

function binary(packageName: string, binaryName: string): string {
  const manifest = require.resolve(`${packageName}/package.json`);
  const bin = (require(manifest) as { bin: Record<string, string> }).bin[binaryName];
  if (bin === undefined) throw new Error(`${packageName} has no ${binaryName}`);
  return join(dirname(manifest), bin);
}

function run(title: string, packageName: string, binaryName: string, options: string[]): boolean {
  const started = performance.now();
  const result = spawnSync(process.execPath, [binary(packageName, binaryName), ...options], {
    cwd: root,
    stdio: 'inherit',
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${result.status === 0 ? 'ok  ' : 'FAIL'} ${title} (${seconds} s)\n`);
  return result.status === 0;
}

const sources = ['src', 'test', 'tools', 'bench', '!test/vectors'];
const results = [
  run('format', 'oxfmt', 'oxfmt', [...(fix ? [] : ['--check']), ...sources]),
  run('lint', 'oxlint', 'oxlint', [
    '--type-aware',
    '--deny-warnings',
    ...(fix ? ['--fix'] : []),
    'src',
    'test',
    'tools',
    'bench',
  ]),
  run('types', 'typescript', 'tsc', ['--noEmit']),
];
process.exit(results.every(Boolean) ? 0 : 1);

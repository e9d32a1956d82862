// `npm run bench -- keys`: runs bench/keys.ts beside its peers and prints the table.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StrongroomError, reasonOf } from '../src/errors.ts';
import { table } from './row.ts';
import type { BenchRow } from './row.ts';

/** Every benchmark and the first line of its file, which says what it measures. */
const benchmarks: ReadonlyMap<string, string> = new Map(
  globSync('*.ts', { cwd: import.meta.dirname })
    .map((file) => file.slice(0, -3))
    .filter((name) => name !== 'main' && name !== 'row')
    .sort()
    .map((name) => {
      const [first = ''] = readFileSync(join(import.meta.dirname, `${name}.ts`), 'utf8').split(
        '\n',
      );
      return [name, first.replace(/^\/\/ /, '')];
    }),
);

function list(): string {
  const width = Math.max(...[...benchmarks.keys()].map((name) => name.length));
  const lines = [...benchmarks].map(([name, what]) => `  ${name.padEnd(width)}  ${what}`);
  return ['npm run bench -- PART…', ...lines, ''].join('\n');
}

const parts = process.argv.slice(2);
if (parts.length === 0) process.stdout.write(list());
for (const part of parts) {
  if (benchmarks.has(part)) continue;
  process.stderr.write(`bench: there is no benchmark \`${part}\`\n${list()}`);
  process.exit(2);
}
for (const part of parts) {
  const file = join(import.meta.dirname, `${part}.ts`);
  const { bench } = (await import(file)) as { bench: () => Promise<readonly BenchRow[]> };
  try {
    process.stdout.write(`${part}\n\n${table(await bench())}\n`);
  } catch (error) {
    const mend = error instanceof StrongroomError ? error.mend : undefined;
    process.stderr.write(`bench: ${reasonOf(error)}\n${mend === undefined ? '' : `${mend}\n`}`);
    process.exit(1);
  }
}

// `npm run bench -- keys`: runs bench/keys.ts beside its peers and prints the table.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { table } from './row.ts';
import type { BenchRow } from './row.ts';

const parts = process.argv.slice(2);
if (parts.length === 0) {
  process.stderr.write('bench: name a part, for example `npm run bench -- keys`\n');
  process.exit(2);
}
for (const part of parts) {
  const file = join(import.meta.dirname, `${part}.ts`);
  if (!/^[a-z]+$/.test(part) || !existsSync(file)) {
    process.stderr.write(`bench: there is no benchmark \`${part}\`\n`);
    process.exit(2);
  }
  const { bench } = (await import(file)) as { bench: () => Promise<readonly BenchRow[]> };
  process.stdout.write(`${part}\n\n${table(await bench())}\n`);
}

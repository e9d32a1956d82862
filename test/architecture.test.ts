// Who may import whom, read from the sources themselves: no tool can be configured to look away.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const root = dirname(import.meta.dirname);
const parts = ['authority', 'backup', 'resolver', 'messages', 'keeps'];

/** Every imported specifier, relative ones as paths from the root. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found = text.matchAll(
    /^\s*(?:import|export)\s[^'";]*?\sfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\(\s*'([^']+)'/gm,
  );
  return [...found].map((match) => {
    const name = (match[1] ?? match[2] ?? match[3]) as string;
    return name.startsWith('.') ? relative(root, join(root, dirname(file), name)) : name;
  });
}

interface Border {
  readonly from: RegExp;
  readonly mayImport: RegExp;
  readonly why: string;
}

const borders: readonly Border[] = [
  { from: /^src\/errors\.ts$/, mayImport: /^$/, why: 'errors import nothing' },
  {
    from: /^src\/bytes\//,
    mayImport: /^src\/(bytes\/|errors\.ts)/,
    why: 'bytes import only errors',
  },
  {
    from: /(frame\.ts|\/wire\/|\/message\/)/,
    mayImport:
      /^src\/(bytes\/|errors\.ts)|^src\/.*(frame\.ts|\/wire\/|\/message\/|engine\/pkcs11|errors\.ts)/,
    why: 'wire formats are pure',
  },
  {
    from: /^src\/keys\/engine\//,
    mayImport: /^src\/(bytes\/|errors\.ts|keys\/engine\/|keys\/errors\.ts)|^node:crypto$/,
    why: 'the engine is pure; storage, sockets and native code come in as parameters',
  },
  {
    from: /^src\/keys\/fronts\//,
    mayImport:
      /^src\/(bytes\/|errors\.ts|keys\/(engine|fronts|errors)|process\/)|^node:(net|crypto|events)$/,
    why: 'fronts hold no rules: they call the engine',
  },
  {
    from: /^src\/keys\//,
    mayImport: /^src\/(bytes\/|errors\.ts|keys\/|process\/|decisions\/gate\.ts)|^node:/,
    why: 'keys imports no other part',
  },
  {
    from: /^src\/decisions\//,
    mayImport:
      /^src\/(bytes\/|errors\.ts|decisions\/|keys\/client\.ts)|^node:(crypto|fs|path|sqlite|url)|^@cedar-policy|^(yaml|canonicalize)$/,
    why: 'decisions imports no other part',
  },
  {
    from: /^src\/process\//,
    mayImport: /^src\/(bytes\/|errors\.ts|process\/)|^node:/,
    why: 'process imports no part',
  },
  ...parts.map((part) => ({
    from: new RegExp(`^src/${part}/`),
    mayImport: new RegExp(
      `^src/(bytes/|errors\\.ts|${part}/|keys/client\\.ts|decisions/gate\\.ts)|^node:(?!ffi)|^[@a-z]`,
    ),
    why: `${part} imports only keys/client, decisions/gate and its own files`,
  })),
];

test('imports keep to the borders of the architecture', () => {
  const files = globSync('src/**/*.ts', { cwd: root });
  assert.ok(files.length > 3);
  const broken: string[] = [];
  for (const file of files) {
    const rules = borders.filter((border) => border.from.test(file));
    for (const name of importsOf(file)) {
      for (const rule of rules) {
        if (!rule.mayImport.test(name)) broken.push(`${file} imports ${name}: ${rule.why}`);
      }
      if (name === 'node:ffi' && !file.startsWith('src/process/')) {
        broken.push(`${file} imports node:ffi: only src/process holds pointers`);
      }
    }
  }
  assert.deepEqual(broken, []);
});

test('the import reader sees what it must', () => {
  assert.ok(importsOf('src/bytes/reader.ts').includes('src/errors.ts'));
});

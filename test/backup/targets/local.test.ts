import assert from 'node:assert/strict';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TargetError } from '../../../src/backup/errors.ts';
import { LocalTarget } from '../../../src/backup/targets/local.ts';
import { object, targetSuite } from '../../suite/target.ts';

function temporary() {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-target-'));
  return {
    folder,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

targetSuite('local folder', () => {
  const place = temporary();
  return Promise.resolve({
    open: () => Promise.resolve(new LocalTarget(join(place.folder, 'repo'))),
    [Symbol.asyncDispose]: () => {
      place[Symbol.dispose]();
      return Promise.resolve();
    },
  });
});

test('a write that is killed leaves no object, and its remains are swept', async () => {
  using place = temporary();
  const program = `
    import { LocalTarget } from ${JSON.stringify(join(import.meta.dirname, '../../../src/backup/targets/local.ts'))};
    import { createHash, randomBytes } from 'node:crypto';
    const target = new LocalTarget(process.argv[1]);
    await target.prepare();
    console.log('ready');
    for (;;) {
      const bytes = randomBytes(3_000_000);
      const name = createHash('sha256').update(bytes).digest('hex');
      await target.put({ kind: 'data', name }, [bytes]);
    }`;
  let found = 0;
  for (let round = 0; round < 5; round++) {
    const child = spawn(
      process.execPath,
      ['--input-type=module-typescript', '-e', program, place.folder],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(child.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, 20 + round * 17));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const target = new LocalTarget(place.folder);
    for (const { name, size } of await target.list('data')) {
      assert.equal(size, 3_000_000);
      const bytes = await target.load({ kind: 'data', name }, size);
      assert.equal(
        Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(bytes))).toString('hex'),
        name,
      );
      found++;
    }
  }
  assert.ok(found > 0);
  const target = new LocalTarget(place.folder);
  const left = readdirSync(join(place.folder, 'tmp')).length;
  assert.equal(await target.sweep(Date.now() - 60_000), 0);
  assert.equal(await target.sweep(Date.now() + 60_000), left);
  assert.deepEqual(readdirSync(join(place.folder, 'tmp')), []);
});

test('links and foreign files are no objects', async () => {
  using place = temporary();
  const target = new LocalTarget(place.folder);
  await target.prepare();
  const { ref } = object('data', 10);
  const folder = join(place.folder, 'data', ref.name.slice(0, 2));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(place.folder, 'elsewhere'), 'clear');
  symlinkSync(join(place.folder, 'elsewhere'), join(folder, ref.name));
  writeFileSync(join(folder, '.DS_Store'), 'x');
  assert.deepEqual(await target.list('data'), []);
  assert.equal(await target.stat(ref), undefined);
  await assert.rejects(target.load(ref, 100), TargetError);
});

test('a disk that is not there is not an empty repository', async () => {
  using place = temporary();
  const target = new LocalTarget(join(place.folder, 'unplugged'));
  await assert.rejects(target.list('snapshots'), /is not there/);
});

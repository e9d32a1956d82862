// A store that was not closed, by whatever end, and a disk that takes no more.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createDisk } from '../../../src/keys/store/disk.ts';
import type { Disk } from '../../../src/keys/store/disk.ts';
import { createStore, openStore } from '../../../src/keys/store/sqlite.ts';
import {
  bytesOfFolder,
  contents,
  contentsOf,
  copyOf,
  masterKey,
  put,
  temporaryFolder,
} from '../../support/store-folder.ts';

const source = join(import.meta.dirname, '../../../src/keys/store/sqlite.ts');

test('a program that ends without closing its store, in any way, leaves one that opens', () => {
  const ends = {
    'runs out of work': '',
    'calls process.exit': 'process.exit(0)',
    throws: 'throw new Error()',
    'forgets the store, and it is collected': 'store = undefined; gc(); setTimeout(gc, 20)',
    'is killed': "process.kill(process.pid, 'SIGKILL')",
  };
  for (const [name, end] of Object.entries(ends)) {
    using home = temporaryFolder();
    const program = `
      import { createSecretKey } from 'node:crypto';
      import { createStore } from ${JSON.stringify(source)};
      let store = createStore(process.argv[1], createSecretKey(Buffer.alloc(32, 7)));
      store.commit({ put: [{ id: 'a', body: new TextEncoder().encode('kept') }], remove: [] });
      ${end}`;
    const words = ['--expose-gc', '--input-type=module', '-e', program, home.path];
    const done = spawnSync(process.execPath, words, { encoding: 'utf8' });
    assert.ok(readdirSync(home.path).includes('store.db-wal'), `${name}: ${done.stderr}`);
    assert.deepEqual(contentsOf(home.path), new Map([['a', 'kept']]), name);
  }
});

/** A disk that takes `writes` more files; then half of one, or nothing, arrives. */
function failingDisk(writes: number, torn: boolean): Disk {
  const disk = createDisk();
  let left = writes;
  const attempt = (path: string, bytes: Uint8Array, write: () => void): void => {
    if (left-- > 0) {
      write();
      return;
    }
    if (torn) writeFileSync(`${path}.new`, bytes.subarray(0, bytes.length / 2));
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  };
  return {
    replace: (path, bytes) => attempt(path, bytes, () => disk.replace(path, bytes)),
    replaceSoon: (path, bytes) => attempt(path, bytes, () => disk.replaceSoon(path, bytes)),
    sync: (path) => disk.sync(path),
  };
}

test('whichever write of an anchor fails, torn or not, the store opens in one of two states', () => {
  const [first, second] = [{ a: '1', b: '2' }, { a: '3' }];
  const [old, now] = [first, { ...first, ...second }].map((each) => new Map(Object.entries(each)));
  for (const torn of [false, true]) {
    for (let writes = 0; writes < 5; writes++) {
      using home = temporaryFolder();
      const made = createStore(home.path, masterKey);
      put(made, first);
      made.close();
      const store = openStore(home.path, masterKey, failingDisk(writes, torn));
      const what = `after ${writes} writes${torn ? ', torn' : ''}`;
      let answered = false;
      try {
        put(store, second);
        answered = true;
        store.close();
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'STORE_WRITE_FAILED', what);
        assert.throws(() => put(store, second), { code: 'STORE_WRITE_FAILED' }, what);
      }
      using left = copyOf(home.path);
      const found = contentsOf(left.path);
      if (answered) assert.deepEqual(found, now, what);
      else assert.ok(found.get('a') === '1' || found.get('a') === '3', what);
      assert.equal(found.get('b'), old?.get('b'), what);
    }
  }
});

test('a store on a disk that takes nothing is read all the same', () => {
  using home = temporaryFolder();
  const store = createStore(home.path, masterKey);
  put(store, { a: 'kept' });
  using killed = copyOf(home.path);
  store.close();
  using frozen = copyOf(killed.path);
  const reading = openStore(killed.path, masterKey, failingDisk(0, false));
  assert.deepEqual(contents(reading), new Map([['a', 'kept']]));
  assert.throws(() => put(reading, { b: 'x' }), { code: 'STORE_WRITE_FAILED' });
  assert.throws(() => reading.close(), { code: 'STORE_WRITE_FAILED' });
  assert.deepEqual(bytesOfFolder(killed.path), bytesOfFolder(frozen.path));
});

test('a full disk loses nothing that was answered', (t) => {
  using home = temporaryFolder();
  const mountPoint = join(home.path, 'small');
  mkdirSync(mountPoint);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', mountPoint]);
  if (mounted.status !== 0) {
    t.skip('a small file system cannot be mounted here');
    return;
  }
  try {
    const store = createStore(mountPoint, masterKey);
    const answered = new Map<string, string>();
    assert.throws(
      () => {
        for (let index = 0; index < 1000; index++) {
          const body = String(index).repeat(2000);
          put(store, { [`record ${index}`]: body });
          answered.set(`record ${index}`, body);
        }
      },
      { code: 'STORE_WRITE_FAILED' },
    );
    assert.ok(answered.size > 3, `${answered.size} records fit`);
    assert.ok(statfsSync(mountPoint).bavail < 8);
    assert.deepEqual(contents(store), answered);
    // A larger disk, by a copy: as it was left, and every record is there.
    using larger = copyOf(mountPoint);
    const found = contentsOf(larger.path);
    for (const [id, body] of answered) assert.equal(found.get(id), body, id);
    assert.ok(found.size <= answered.size + 1);
  } finally {
    spawnSync('umount', ['-l', mountPoint]);
  }
});

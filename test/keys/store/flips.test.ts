// Every byte of every file of a store, changed: at rest, killed, and killed in the midst of a change.
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, readdirSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { StoreError } from '../../../src/keys/store/errors.ts';
import { createStore, openStore } from '../../../src/keys/store/sqlite.ts';
import { seedOf, seeded } from '../../support/seeded.ts';
import type { Random } from '../../support/seeded.ts';
import {
  bytesOfFolder,
  contents,
  contentsOf,
  copyOf,
  masterKey,
  put,
  temporaryFolder,
  watchedDisk,
  withChangedByte,
} from '../../support/store-folder.ts';
import type { Folder } from '../../support/store-folder.ts';

const FIRST = { a: 'first secret', b: 'second', c: 'third' };
const SECOND = { a: 'a newer secret', d: 'fourth' };

/** Opens a folder that must be refused. */
function refuses(folder: string, what: string): void {
  let found: Map<string, string>;
  try {
    const store = openStore(folder, masterKey);
    found = contents(store);
  } catch (error) {
    assert.ok(error instanceof StoreError, what);
    assert.equal(error.code, 'STORE_TAMPERED', what);
    return;
  }
  assert.fail(`${what}: it opened with ${found.size} records`);
}

/** Changes every byte, or each `stride`th; every one must be refused. */
function flipAll(folder: string, random: Random, stride = 1): number {
  const before = bytesOfFolder(folder);
  let count = 0;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const { length } = readFileSync(path);
    for (let at = random(stride); at < length; at += stride) {
      const mask = 1 + random(255);
      withChangedByte(path, at, mask, () => refuses(folder, `${name}, byte ${at}, mask ${mask}`));
      count++;
    }
  }
  assert.deepEqual(bytesOfFolder(folder), before, 'a refused store stays as it was found');
  return count;
}

function tell(t: TestContext, folder: string, count: number): void {
  const sizes = readdirSync(folder).map(
    (name) => `${name} ${readFileSync(join(folder, name)).length}`,
  );
  t.diagnostic(`${count} changed bytes were refused; files: ${sizes.join(', ')}`);
}

test('at rest, every changed byte is refused', (t) => {
  const random = seeded(seedOf((text) => t.diagnostic(text)));
  using home = temporaryFolder();
  const store = createStore(home.path, masterKey);
  put(store, FIRST);
  put(store, SECOND);
  store.commit({ put: [], remove: ['b'] });
  store.close();
  const count = flipAll(home.path, random);
  tell(t, home.path, count);
  // And every single bit of the file that vouches for the others.
  const anchor = join(home.path, 'anchor');
  for (let bit = 0; bit < readFileSync(anchor).length * 8; bit++) {
    withChangedByte(anchor, bit >> 3, 1 << (bit & 7), () => refuses(home.path, `bit ${bit}`));
  }
  assert.deepEqual([...contentsOf(home.path).keys()].sort(), ['a', 'c', 'd']);
});

test('killed after an answer, with commits in the log, every changed byte is refused', (t) => {
  const random = seeded(seedOf((text) => t.diagnostic(text)));
  using home = temporaryFolder();
  const store = createStore(home.path, masterKey);
  put(store, FIRST);
  put(store, SECOND);
  using killed = copyOf(home.path);
  assert.deepEqual(readdirSync(killed.path), ['anchor', 'store.db', 'store.db-wal']);
  tell(t, killed.path, flipAll(killed.path, random));
  assert.deepEqual(contentsOf(killed.path), new Map(Object.entries({ ...FIRST, ...SECOND })));
  store.close();
});

test('killed in the midst of a commit, it is in one of two states, and every byte of it counts', (t) => {
  const random = seeded(seedOf((text) => t.diagnostic(text)));
  using home = temporaryFolder();
  const moments: { name: string; folder: Folder }[] = [];
  let watching = false;
  const disk = watchedDisk((name) => {
    if (watching) moments.push({ name, folder: copyOf(home.path) });
  });
  const store = createStore(home.path, masterKey, disk);
  put(store, FIRST);
  watching = true;
  put(store, SECOND);
  watching = false;
  store.close();
  const [old, now] = [FIRST, { ...FIRST, ...SECOND }].map((each) => new Map(Object.entries(each)));
  assert.deepEqual(
    moments.map(({ name }) => name),
    ['before', 'after', 'before soon', 'after soon'],
  );
  for (const [index, { name, folder }] of moments.entries()) {
    using open = copyOf(folder.path);
    assert.deepEqual(contentsOf(open.path), index < 2 ? old : now, name);
    if (name !== 'before soon') {
      flipAll(folder.path, random, 97);
      folder[Symbol.dispose]();
      continue;
    }
    // Written and not answered: a change there is the same as a commit that was cut off.
    const answered = moments[1]?.folder.path ?? '';
    const log = join(folder.path, 'store.db-wal');
    const { length } = readFileSync(log);
    let undone = 0;
    for (let at = random(97); at < length; at += 97) {
      withChangedByte(log, at, 1 + random(255), () => {
        using changed = copyOf(folder.path);
        try {
          assert.deepEqual(contentsOf(changed.path), old, `byte ${at}`);
          undone++;
        } catch (error) {
          if (!(error instanceof StoreError)) throw error;
        }
      });
    }
    assert.ok(undone > 0, answered);
    folder[Symbol.dispose]();
  }
});

test('a log that was cut off anywhere opens, and opens again when that is cut off too', () => {
  using home = temporaryFolder();
  const cut: Folder[] = [];
  const disk = watchedDisk((name) => {
    if (name !== 'before soon') return;
    const whole = readFileSync(join(home.path, 'store.db-wal'));
    const answered = (whole.length - 32) / 4120 - 4;
    for (let frames = Math.max(0, answered); frames * 4120 < whole.length; frames++) {
      for (const more of [0, 10, 32, 50, 2000]) {
        const folder = copyOf(home.path);
        const length = Math.min(whole.length, frames * 4120 + more);
        truncateSync(join(folder.path, 'store.db-wal'), length);
        cut.push(folder);
      }
    }
  });
  const store = createStore(home.path, masterKey, disk);
  put(store, FIRST);
  put(store, SECOND);
  store.close();
  const states = [{}, FIRST, { ...FIRST, ...SECOND }].map((each) => new Map(Object.entries(each)));
  const isState = (found: Map<string, string>): boolean =>
    states.some((state) => isDeepStrictEqual(state, found));
  let opened = 0;
  for (const folder of cut) {
    const moments: Folder[] = [];
    const watched = watchedDisk(() => moments.push(copyOf(folder.path)));
    try {
      const again = openStore(folder.path, masterKey, watched);
      assert.ok(isState(contents(again)));
      opened++;
      again.close();
    } catch (error) {
      // Cut into what was answered before: that is no end of a commit.
      if (!(error instanceof StoreError) || error.code !== 'STORE_TAMPERED') throw error;
      assert.equal(moments.length, 0);
    }
    for (const moment of moments) {
      assert.ok(isState(contentsOf(moment.path)));
      moment[Symbol.dispose]();
    }
    folder[Symbol.dispose]();
  }
  assert.ok(opened > cut.length / 2, `${opened} of ${cut.length}`);
});

test('killed while the log is folded into the database, it opens, and every byte of it counts', (t) => {
  const random = seeded(seedOf((text) => t.diagnostic(text)));
  using home = temporaryFolder();
  const moments: Folder[] = [];
  let watching = false;
  const disk = watchedDisk(() => {
    if (watching) moments.push(copyOf(home.path));
  });
  const store = createStore(home.path, masterKey, disk);
  for (let index = 0; index < 40; index++) put(store, { [`record ${index}`]: 'x'.repeat(300) });
  put(store, FIRST);
  watching = true;
  store.close();
  const whole = new Map([
    ...Array.from({ length: 40 }, (_, index) => [`record ${index}`, 'x'.repeat(300)] as const),
    ...Object.entries(FIRST),
  ]);
  assert.equal(moments.length, 4);
  const [, before, after] = moments as [Folder, Folder, Folder, Folder];
  const pages = readFileSync(join(after.path, 'store.db')).length / 4096;
  assert.ok(pages > 4);
  // The database between the two: some pages are written, others not.
  for (let round = 0; round < 8; round++) {
    const partly = copyOf(before.path);
    const folded = readFileSync(join(after.path, 'store.db'));
    for (let page = 0; page < pages; page++) {
      if (random(2) === 0) continue;
      const at = page * 4096;
      writePage(join(partly.path, 'store.db'), at, folded.subarray(at, at + 4096));
    }
    moments.push(partly);
  }
  for (const folder of moments) {
    using open = copyOf(folder.path);
    assert.deepEqual(contentsOf(open.path), whole);
    folder[Symbol.dispose]();
  }
  flipAll(home.path, random, 97);
});

function writePage(path: string, at: number, page: Uint8Array): void {
  const file = openSync(path, 'r+');
  writeSync(file, page, 0, page.length, at);
  closeSync(file);
}

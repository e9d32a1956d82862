// A strongroom whose making is cut off at any moment: made anew, or there whole.
import assert from 'node:assert/strict';
import { createDisk } from '../../src/keys/store/disk.ts';
import { readdirSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { utf8 } from '../../src/bytes/text.ts';
import { makeStrongroom } from '../../src/keys/make-strongroom.ts';
import { openWithFile, sealKind } from '../../src/keys/seal/seals.ts';
import { openStore } from '../../src/keys/store/sqlite.ts';
import { contents, copyOf, temporaryFolder, watchedDisk } from '../support/store-folder.ts';
import type { Folder } from '../support/store-folder.ts';

const made = { token: utf8('a token'), passphrase: undefined };

function found(folder: string): Map<string, string> {
  const store = openStore(folder, openWithFile(folder));
  const records = contents(store);
  store.close();
  return records;
}

test('whenever the making is cut off, the next one begins anew or finds all of it', async () => {
  using folder = temporaryFolder();
  const moments: Folder[] = [];
  await makeStrongroom(
    folder.path,
    watchedDisk(() => moments.push(copyOf(folder.path))),
    made,
  );
  assert.deepEqual(found(folder.path), new Map([['token', 'a token']]));
  assert.deepEqual(readdirSync(folder.path).sort(), [
    'anchor',
    'master.key',
    'seal.json',
    'store.db',
  ]);
  assert.ok(moments.length > 12);
  let whole = 0;
  for (const moment of moments) {
    if (sealKind(moment.path) === undefined) {
      await makeStrongroom(moment.path, createDisk(), made);
    } else {
      whole++;
      await assert.rejects(makeStrongroom(moment.path, createDisk(), made), {
        code: 'ACTION_PROHIBITED',
      });
    }
    assert.deepEqual(found(moment.path), new Map([['token', 'a token']]));
    moment[Symbol.dispose]();
  }
  assert.equal(whole, 1);
});

test('a store whose seal is gone is never written over', async () => {
  using folder = temporaryFolder();
  await makeStrongroom(folder.path, createDisk(), made);
  using copy = copyOf(folder.path);
  rmSync(`${copy.path}/seal.json`);
  await assert.rejects(makeStrongroom(copy.path, createDisk(), made), {
    code: 'ACTION_PROHIBITED',
  });
});

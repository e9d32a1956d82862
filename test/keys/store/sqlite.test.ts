import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import fc from 'fast-check';
import { openAnchor, sealAnchor } from '../../../src/keys/store/anchor.ts';
import { StoreError } from '../../../src/keys/store/errors.ts';
import { digestOfFile } from '../../../src/keys/store/files.ts';
import { RecordDigest } from '../../../src/keys/store/record-digest.ts';
import { deriveKey } from '../../../src/keys/store/sealing.ts';
import { createStore, openStore } from '../../../src/keys/store/sqlite.ts';
import {
  bytesOfFolder,
  contents,
  contentsOf,
  masterKey,
  put,
  temporaryFolder,
} from '../../support/store-folder.ts';

function filled(path: string): void {
  const store = createStore(path, masterKey);
  put(store, { a: 'first secret', b: 'second' });
  store.close();
}

test('what is committed is there after any sequence of commits and openings', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd');
  const step = fc.record({ id, body: fc.string(), remove: fc.boolean(), reopen: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      using home = temporaryFolder();
      let store = createStore(home.path, masterKey);
      const model = new Map<string, string>();
      let changes = 0;
      for (const each of steps) {
        if (each.remove && model.delete(each.id)) store.commit({ put: [], remove: [each.id] });
        else {
          model.set(each.id, Buffer.from(each.body).toString());
          put(store, { [each.id]: each.body });
        }
        changes++;
        if (each.reopen) {
          store.close();
          store = openStore(home.path, masterKey);
        }
        assert.equal(store.generation, changes);
      }
      assert.deepEqual(contents(store), model);
      store.close();
    }),
    { numRuns: 25 },
  );
});

test('a change that removes what is not there changes nothing', () => {
  using home = temporaryFolder();
  filled(home.path);
  const store = openStore(home.path, masterKey);
  const change = { put: [{ id: 'c', body: new Uint8Array(3) }], remove: ['x'] };
  assert.throws(() => store.commit(change), { code: 'STORE_NO_RECORD' });
  assert.equal(store.generation, 1);
  store.close();
  assert.deepEqual([...contentsOf(home.path).keys()], ['a', 'b']);
});

test('the log is folded into the database when it has grown, and every record is there', () => {
  using home = temporaryFolder();
  const store = createStore(home.path, masterKey);
  const model = new Map<string, string>();
  const database = join(home.path, 'store.db');
  const empty = readFileSync(database).length;
  for (let index = 0; index < 12; index++) {
    const body = String(index).repeat(500_000);
    put(store, { [`${index}`]: body });
    model.set(`${index}`, body);
  }
  assert.ok(readFileSync(database).length > empty + 4_000_000, 'it was folded while it was open');
  store.close();
  assert.deepEqual(contentsOf(home.path), model);
});

test("yesterday's database, yesterday's anchor and another master key are refused; both together are not", () => {
  using home = temporaryFolder();
  filled(home.path);
  const [database, anchor] = ['store.db', 'anchor'].map((name) => join(home.path, name));
  assert.ok(database !== undefined && anchor !== undefined);
  const yesterday = [readFileSync(database), readFileSync(anchor)] as const;
  const store = openStore(home.path, masterKey);
  store.commit({ put: [], remove: ['b'] });
  store.close();
  const today = [readFileSync(database), readFileSync(anchor)] as const;

  writeFileSync(database, yesterday[0]);
  assert.throws(() => openStore(home.path, masterKey), /not the one that was written last/);
  writeFileSync(database, today[0]);
  writeFileSync(anchor, yesterday[1]);
  assert.throws(() => openStore(home.path, masterKey), /not the one that was written last/);
  writeFileSync(anchor, today[1]);
  assert.throws(() => openStore(home.path, createSecretKey(randomBytes(32))), StoreError);

  // What software alone cannot find, and docs/trust.md says so: the count of changes tells.
  writeFileSync(database, yesterday[0]);
  writeFileSync(anchor, yesterday[1]);
  const old = openStore(home.path, masterKey);
  assert.equal(old.generation, 1);
  assert.deepEqual([...contents(old).keys()], ['a', 'b']);
  old.close();
});

test('a missing file, and a journal that SQLite would play back, are refused and nothing is made', () => {
  using home = temporaryFolder();
  filled(home.path);
  for (const [change, wanted] of [
    [{ remove: 'store.db' }, /store\.db is missing/],
    [{ remove: 'anchor' }, /anchor is missing/],
    [{ add: 'store.db-journal' }, /a journal that it does not write/],
    [{ add: 'store.db-shm' }, /a journal that it does not write/],
    [{ add: 'store.db-wal' }, /log is longer than what was written/],
  ] as const) {
    using copy = temporaryFolder();
    for (const name of ['store.db', 'anchor']) {
      if ('remove' in change && change.remove === name) continue;
      copyFileSync(join(home.path, name), join(copy.path, name));
    }
    if ('add' in change) writeFileSync(join(copy.path, change.add), new Uint8Array(64));
    const before = bytesOfFolder(copy.path);
    assert.throws(() => openStore(copy.path, masterKey), wanted);
    assert.deepEqual(bytesOfFolder(copy.path), before);
  }
});

/**
 * Changes the database with SQL and then mends the anchor as somebody could who had broken its seal:
 * the file's digest, and, where `records` says so, the digest over the records.
 */
function edit(path: string, statement: string, records: boolean): void {
  const database = new DatabaseSync(join(path, 'store.db'));
  database.exec(statement);
  const rows = database.prepare('SELECT id, version, sealed FROM records').all();
  const generation = Number(database.prepare('SELECT generation FROM state').get()?.['generation']);
  database.close();
  const key = deriveKey(masterKey, 'strongroom store anchor');
  const anchor = openAnchor(key, readFileSync(join(path, 'anchor')));
  assert.ok(anchor !== undefined);
  const marks = rows.map(({ id, version, sealed }) => {
    assert.ok(sealed instanceof Uint8Array);
    return [String(id), { version: Number(version), tag: sealed.subarray(-16) }] as const;
  });
  const [state] = anchor.states;
  const states = [records ? { generation, digest: new RecordDigest(marks).root } : state] as const;
  const mended = { ...anchor, states, database: digestOfFile(join(path, 'store.db')) };
  writeFileSync(join(path, 'anchor'), sealAnchor(key, mended));
}

test('each layer refuses alone: the digest over the records, and the seal of each', () => {
  const statements = [
    "UPDATE records SET id = 'c' WHERE id = 'a'",
    "UPDATE records SET id = 'x' WHERE id = 'a'; UPDATE records SET id = 'a' WHERE id = 'b'; UPDATE records SET id = 'b' WHERE id = 'x'",
    "UPDATE records SET sealed = (SELECT sealed FROM records WHERE id = 'b') WHERE id = 'a'",
    "UPDATE records SET version = version + 1 WHERE id = 'a'",
  ];
  for (const statement of statements) {
    for (const records of [false, true]) {
      using home = temporaryFolder();
      filled(home.path);
      edit(home.path, statement, records);
      const wanted = records ? /a record does not open/ : /records are not the ones/;
      assert.throws(() => contentsOf(home.path), wanted, `${statement} (${records})`);
    }
  }
  for (const statement of ['DELETE FROM records', 'UPDATE state SET generation = generation - 1']) {
    using home = temporaryFolder();
    filled(home.path);
    edit(home.path, statement, false);
    assert.throws(() => contentsOf(home.path), /records are not the ones/, statement);
  }
});

test('the files hold no clear byte of a record', () => {
  using home = temporaryFolder();
  filled(home.path);
  for (const name of ['store.db', 'anchor']) {
    assert.ok(!readFileSync(join(home.path, name)).includes('secret'));
  }
});

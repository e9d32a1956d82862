import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import fc from 'fast-check';
import { StoreError } from '../../../src/keys/store/errors.ts';
import { createStore, openStore } from '../../../src/keys/store/sqlite.ts';
import type { Store } from '../../../src/keys/store/store.ts';

const masterKey = createSecretKey(randomBytes(32));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function folder(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'strongroom-store-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function contents(store: Store): Map<string, string> {
  return new Map([...store.records()].map(({ id, body }) => [id, Buffer.from(body).toString()]));
}

function filled(path: string): void {
  const store = createStore(path, masterKey);
  store.commit({
    put: [
      { id: 'a', body: text('first secret') },
      { id: 'b', body: text('second') },
    ],
    remove: [],
  });
  store.close();
}

test('what is committed is there after any sequence of commits and openings', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd');
  const step = fc.record({ id, body: fc.string(), remove: fc.boolean(), reopen: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      using home = folder();
      let store = createStore(home.path, masterKey);
      const model = new Map<string, string>();
      for (const each of steps) {
        if (each.remove && model.delete(each.id)) store.commit({ put: [], remove: [each.id] });
        else {
          model.set(each.id, each.body);
          store.commit({ put: [{ id: each.id, body: text(each.body) }], remove: [] });
        }
        if (each.reopen) {
          store.close();
          store = openStore(home.path, masterKey);
        }
      }
      assert.deepEqual(
        contents(store),
        new Map([...model].map(([key, value]) => [key, Buffer.from(value).toString()])),
      );
      store.close();
    }),
    { numRuns: 25 },
  );
});

test('no flipped byte gives a wrong record: it is refused, or changes nothing', () => {
  using home = folder();
  filled(home.path);
  for (const name of ['store.db', 'anchor']) {
    const file = join(home.path, name);
    const whole = readFileSync(file);
    let refused = 0;
    const stride = name === 'anchor' ? 1 : 37;
    for (let at = 0; at < whole.length; at += stride) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      writeFileSync(file, changed);
      try {
        const store = openStore(home.path, masterKey);
        const found = contents(store);
        store.close();
        assert.deepEqual(
          found,
          new Map([
            ['a', 'first secret'],
            ['b', 'second'],
          ]),
        );
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        refused++;
      }
      rmSync(`${file}-wal`, { force: true });
      rmSync(`${file}-shm`, { force: true });
    }
    assert.ok(refused > 0);
    if (name === 'anchor') assert.equal(refused, whole.length, 'every byte of the anchor counts');
    writeFileSync(file, whole);
  }
});

test("yesterday's database, swapped records, a removed record and another master key are refused", () => {
  using home = folder();
  filled(home.path);
  const file = join(home.path, 'store.db');
  const kept = join(home.path, 'kept');
  copyFileSync(file, kept);
  const store = openStore(home.path, masterKey);
  store.commit({ put: [], remove: ['b'] });
  store.close();
  const today = readFileSync(file);
  copyFileSync(kept, file);
  assert.throws(() => openStore(home.path, masterKey), /not the one that was written last/);
  writeFileSync(file, today);
  assert.throws(() => openStore(home.path, createSecretKey(randomBytes(32))), StoreError);

  for (const statement of [
    "UPDATE records SET id = 'c' WHERE id = 'a'",
    'DELETE FROM records',
    "UPDATE records SET version = version + 1 WHERE id = 'a'",
    'UPDATE state SET generation = generation - 1',
  ]) {
    writeFileSync(file, today);
    const database = new DatabaseSync(file);
    database.exec(statement);
    database.close();
    assert.throws(() => openStore(home.path, masterKey), StoreError, statement);
  }
});

test('the files hold no clear byte of a record', () => {
  using home = folder();
  filled(home.path);
  for (const name of ['store.db', 'anchor']) {
    assert.ok(!readFileSync(join(home.path, name)).includes('secret'));
  }
});

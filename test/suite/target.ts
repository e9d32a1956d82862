// What every target owes: the contract of src/backup/targets/target.ts as tests.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { TargetError } from '../../src/backup/errors.ts';
import type { TargetFault } from '../../src/backup/errors.ts';
import { CONFIG } from '../../src/backup/targets/target.ts';
import type { ObjectKind, ObjectRef, Target } from '../../src/backup/targets/target.ts';

/** A fresh, empty place that several targets can be opened on. */
export interface TargetPlace extends AsyncDisposable {
  /** A new client of the place, as another process would open it. */
  open(): Promise<Target>;
}

export interface SuiteOptions {
  /** Whether removing is allowed; an append-only place refuses all but locks. */
  readonly appendOnly?: boolean;
  /** A reason to skip all of it. */
  readonly skip?: string | false;
}

const NAMED: readonly Exclude<ObjectKind, 'config'>[] = [
  'keys',
  'locks',
  'snapshots',
  'index',
  'data',
];

export interface Sample {
  readonly ref: ObjectRef;
  readonly bytes: Buffer;
  readonly body: readonly Uint8Array[];
}

/** A body in several pieces with its reference. */
export function object(kind: Exclude<ObjectKind, 'config'>, size: number): Sample {
  const bytes = randomBytes(size);
  const middle = Math.floor(size / 3);
  return {
    ref: { kind, name: createHash('sha256').update(bytes).digest('hex') },
    bytes,
    body: [bytes.subarray(0, middle), bytes.subarray(middle)],
  };
}

function fault(wanted: TargetFault) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof TargetError, String(error));
    assert.equal(error.fault, wanted, error.message);
    return true;
  };
}

/** Runs the suite. @param make a new empty place for each test */
export function targetSuite(
  name: string,
  make: () => Promise<TargetPlace>,
  options: SuiteOptions = {},
): void {
  const removable = options.appendOnly !== true;
  describe(`target: ${name}`, { skip: options.skip ?? false }, () => {
    it('gives back what was put, whole and in ranges, also to another client', async () => {
      await using place = await make();
      const target = await place.open();
      await target.prepare();
      await target.prepare();
      for (const kind of NAMED) {
        const { ref, bytes, body } = object(kind, 100_000);
        await target.put(ref, body);
        const other = await place.open();
        assert.equal(await other.stat(ref), 100_000);
        assert.deepEqual(Buffer.from(await other.load(ref, 100_000)), bytes);
        const part = await other.read(ref, 12_345, 777);
        assert.deepEqual(Buffer.from(part), bytes.subarray(12_345, 12_345 + 777));
        const end = await other.read(ref, 99_999, 1);
        assert.deepEqual(Buffer.from(end), bytes.subarray(99_999));
        assert.equal((await other.read(ref, 5, 0)).length, 0);
        assert.deepEqual(await other.list(kind), [{ name: ref.name, size: 100_000 }]);
        await other.close();
      }
      const config = randomBytes(155);
      assert.equal(await target.stat(CONFIG), undefined);
      await target.put(CONFIG, [config]);
      assert.deepEqual(Buffer.from(await target.load(CONFIG, 1000)), config);
      assert.equal(await target.stat(CONFIG), 155);
      await target.close();
    });

    it('takes a large object and an empty one', async () => {
      await using place = await make();
      const target = await place.open();
      await target.prepare();
      const large = object('data', 20 * 1024 * 1024);
      const pieces = Array.from({ length: 2500 }, (_, index) =>
        large.bytes.subarray(index * 8389, Math.min((index + 1) * 8389, large.bytes.length)),
      );
      await target.put(large.ref, pieces);
      assert.ok(large.bytes.equals(await target.load(large.ref, 1 << 25)));
      const empty = object('index', 0);
      await target.put(empty.ref, []);
      assert.equal(await target.stat(empty.ref), 0);
      assert.equal((await target.load(empty.ref, 10)).length, 0);
      await target.close();
    });

    it('lists nothing where nothing was written', async () => {
      await using place = await make();
      const target = await place.open();
      await target.prepare();
      for (const kind of NAMED) assert.deepEqual(await target.list(kind), []);
      await target.close();
    });

    it('says what is not there, what is too short and what is too large', async () => {
      await using place = await make();
      const target = await place.open();
      await target.prepare();
      const { ref, body } = object('data', 1000);
      assert.equal(await target.stat(ref), undefined);
      await assert.rejects(target.load(ref, 1000), fault('absent'));
      await assert.rejects(target.read(ref, 0, 10), fault('absent'));
      await assert.rejects(target.load(CONFIG, 1000), fault('absent'));
      await target.put(ref, body);
      await assert.rejects(target.load(ref, 999), fault('oversize'));
      await assert.rejects(target.read(ref, 990, 11), fault('short'));
      await assert.rejects(target.read(ref, 2000, 1), fault('short'));
      await assert.rejects(target.read(ref, 0, 2 ** 40), fault('short'));
      await target.close();
    });

    it('never writes a name twice', async () => {
      await using place = await make();
      const target = await place.open();
      await target.prepare();
      const { ref, bytes, body } = object('snapshots', 500);
      await target.put(ref, body);
      await assert.rejects(target.put(ref, body), fault('exists'));
      assert.deepEqual(Buffer.from(await target.load(ref, 500)), bytes);
      await target.put(CONFIG, [bytes]);
      await assert.rejects(target.put(CONFIG, [randomBytes(20)]), fault('exists'));
      assert.deepEqual(Buffer.from(await target.load(CONFIG, 500)), bytes);
      await target.close();
    });

    it('works many times at once', async () => {
      await using place = await make();
      const target = await place.open();
      await target.prepare();
      const objects = Array.from({ length: 40 }, (_, index) => object('data', 1000 + index));
      await Promise.all(objects.map(({ ref, body }) => target.put(ref, body)));
      const listed = await target.list('data');
      const expected = objects.map(({ ref, bytes }) => ({ name: ref.name, size: bytes.length }));
      const order = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
      assert.deepEqual([...listed].sort(order), expected.sort(order));
      const read = await Promise.all(objects.map(({ ref }) => target.load(ref, 5000)));
      for (const [index, bytes] of read.entries()) {
        assert.deepEqual(Buffer.from(bytes), objects[index]?.bytes);
      }
      await target.close();
    });

    it(removable ? 'removes, also what is gone' : 'refuses to remove all but locks', async () => {
      await using place = await make();
      const target = await place.open();
      await target.prepare();
      for (const kind of NAMED) {
        const { ref, body } = object(kind, 300);
        await target.put(ref, body);
        if (removable || kind === 'locks') {
          await target.remove(ref);
          await target.remove(ref);
          assert.equal(await target.stat(ref), undefined);
          assert.deepEqual(await target.list(kind), []);
          await target.put(ref, body);
        } else {
          await assert.rejects(target.remove(ref), fault('denied'));
          assert.equal(await target.stat(ref), 300);
        }
      }
      await target.close();
    });

    it('lets no name be anything but a hash', async () => {
      await using place = await make();
      const target = await place.open();
      await target.prepare();
      for (const bad of ['', '../config', 'x', 'A'.repeat(64), `${'a'.repeat(63)}/`]) {
        const ref: ObjectRef = { kind: 'data', name: bad };
        await assert.rejects(target.stat(ref), fault('broken'));
        await assert.rejects(target.load(ref, 10), fault('broken'));
        await assert.rejects(target.read(ref, 0, 1), fault('broken'));
        await assert.rejects(target.put(ref, []), fault('broken'));
        await assert.rejects(target.remove(ref), fault('broken'));
      }
      await target.close();
    });

    it('fails after it was closed, and closes twice', async () => {
      await using place = await make();
      const target = await place.open();
      await target.prepare();
      await target.close();
      await target.close();
      await assert.rejects(target.stat(CONFIG), TargetError);
    });
  });
}

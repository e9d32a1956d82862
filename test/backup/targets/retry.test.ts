import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TargetError } from '../../../src/backup/errors.ts';
import { withBandwidth } from '../../../src/backup/targets/limit.ts';
import { LocalTarget } from '../../../src/backup/targets/local.ts';
import { openTarget } from '../../../src/backup/targets/open.ts';
import { withRetries } from '../../../src/backup/targets/retry.ts';
import type { Target } from '../../../src/backup/targets/target.ts';
import { object, targetSuite } from '../../suite/target.ts';

function place() {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-target-'));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A target each of whose calls fails a few times before it works, sometimes after it worked. */
function flaky(target: Target, failures: number, after: boolean): Target {
  const left = new Map<string, number>();
  async function sometimes<Result>(key: string, call: () => Promise<Result>): Promise<Result> {
    const count = left.get(key) ?? failures;
    left.set(key, count - 1);
    if (count > 0) {
      if (after) await call();
      throw new TargetError('busy', 'the line broke');
    }
    return await call();
  }
  return {
    location: target.location,
    service: target.service,
    connections: target.connections,
    prepare: () => sometimes('prepare', () => target.prepare()),
    list: (kind) => sometimes(`list ${kind}`, () => target.list(kind)),
    stat: (ref) => target.stat(ref),
    load: (ref, limit) => sometimes(`load ${ref.name}`, () => target.load(ref, limit)),
    read: (ref, offset, length) =>
      sometimes(`read ${ref.name}`, () => target.read(ref, offset, length)),
    put: (ref, body) => sometimes(`put ${ref.name}`, () => target.put(ref, body)),
    remove: (ref) => sometimes(`remove ${ref.name}`, () => target.remove(ref)),
    close: () => target.close(),
  };
}

const quick = { firstDelay: 1, attempts: 4 };

targetSuite('local folder behind retries and a limit', () => {
  const here = place();
  return Promise.resolve({
    open: () =>
      openTarget(`local:${join(here.folder, 'repo')}`, {
        bandwidth: { up: 1e9, down: 1e9 },
        retry: quick,
      }),
    [Symbol.asyncDispose]: () => {
      here[Symbol.dispose]();
      return Promise.resolve();
    },
  });
});

for (const after of [false, true]) {
  test(`calls that fail ${after ? 'after they worked' : 'before they work'} are tried again`, async () => {
    using here = place();
    const retried: number[] = [];
    const target = withRetries(flaky(new LocalTarget(here.folder), 3, after), {
      ...quick,
      onRetry: (_error, attempt) => retried.push(attempt),
    });
    await target.prepare();
    const { ref, bytes, body } = object('data', 5000);
    await target.put(ref, body);
    assert.deepEqual(Buffer.from(await target.load(ref, 5000)), bytes);
    assert.equal((await target.list('data')).length, 1);
    await target.remove(ref);
    // A put whose answer was lost is not sent a third time: the object is seen to be there.
    const put = after ? [1] : [1, 2, 3];
    assert.deepEqual(retried.slice(0, 3 + put.length), [1, 2, 3, ...put]);
  });
}

test('failures that will not pass, and too many, are given up', async () => {
  using here = place();
  let calls = 0;
  const target = withRetries(flaky(new LocalTarget(here.folder), 4, false), {
    ...quick,
    onRetry: () => calls++,
  });
  await assert.rejects(target.prepare(), /the line broke/);
  assert.equal(calls, 3);
  const { ref, body } = object('data', 10);
  const plain = withRetries(new LocalTarget(here.folder), quick);
  await plain.put(ref, body);
  await assert.rejects(plain.put(ref, body), { fault: 'exists' });
});

test('a put whose name somebody else took with other bytes is no success', async () => {
  using here = place();
  const local = new LocalTarget(here.folder);
  const { ref, body } = object('data', 10);
  let first = true;
  const target = withRetries(
    {
      ...flaky(local, 0, false),
      put: async (name, bytes) => {
        if (!first) return await local.put(name, bytes);
        first = false;
        await local.put(name, [new Uint8Array(3)]);
        throw new TargetError('busy', 'the line broke');
      },
    },
    quick,
  );
  await assert.rejects(target.put(ref, body), { fault: 'exists' });
});

test('bytes flow no faster than the limit', async () => {
  using here = place();
  const target = withBandwidth(new LocalTarget(here.folder), { up: 100_000 });
  const start = performance.now();
  const objects = Array.from({ length: 5 }, () => object('data', 10_000));
  await Promise.all(objects.map(({ ref, body }) => target.put(ref, body)));
  assert.ok(performance.now() - start >= 490);
});

test('a location that names no storage is wrong use', async () => {
  await assert.rejects(openTarget('gopher:hole'), { code: 'BACKUP_USAGE', duty: 'usage' });
});

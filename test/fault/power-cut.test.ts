// Power cuts: what the disk may hold is made from the system calls of a real run, and opened.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { StoreError } from '../../src/keys/store/errors.ts';
import { skipWithoutPrograms } from '../support/programs.ts';
import { CachedDisk, stepsOf } from '../support/power-cut.ts';
import type { Step } from '../support/power-cut.ts';
import { seedOf, seeded } from '../support/seeded.ts';
import type { Random } from '../support/seeded.ts';
import { contentsOf, temporaryFolder } from '../support/store-folder.ts';

const CALLS =
  'openat,write,pwrite64,pwritev,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat';
/** Power cuts tried after each system call. */
const CUTS = 2;

/** Runs the writer under strace; its steps, and the states that it said were there. */
function traced(folder: string): { steps: Step[]; states: Map<string, string>[] } {
  const [store, trace, told] = ['store', 'trace', 'told'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(store);
  const writer = join(import.meta.dirname, '../support/store-writer.ts');
  const watch = ['-qq', '-y', '-xx', '-s', '1000000', '-e', `trace=${CALLS}`, '-o', trace];
  const words = [...watch, process.execPath, '--no-warnings', writer, store, told];
  const done = spawnSync('strace', words, { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
  const steps = stepsOf(readFileSync(trace, 'latin1'), store, /^trial/);
  const states = JSON.parse(readFileSync(told, 'utf8')) as [string, string][][];
  return { steps, states: states.map((each) => new Map(each)) };
}

/** What a cut left, opened; `refused` when the store refuses it. */
function openedAfterCut(files: ReadonlyMap<string, Uint8Array>): Map<string, string> | 'refused' {
  using folder = temporaryFolder();
  for (const [name, bytes] of files) writeFileSync(join(folder.path, name), bytes);
  try {
    return contentsOf(folder.path);
  } catch (error) {
    if (error instanceof StoreError) return 'refused';
    throw error;
  }
}

/** Cuts the power after each step; how many cuts lost an answered change or the whole store. */
function lost(
  steps: readonly Step[],
  states: readonly Map<string, string>[],
  random: Random,
  enough = Infinity,
): { cuts: number; lost: string[] } {
  const disk = new CachedDisk();
  const failures: string[] = [];
  let answered = 0;
  let cuts = 0;
  for (const [index, step] of steps.entries()) {
    disk.apply(step);
    if (step.kind === 'answer') answered++;
    // Until the first answer there is no store yet.
    if (answered === 0) continue;
    for (let cut = 0; cut < CUTS; cut++) {
      cuts++;
      const found = openedAfterCut(disk.cut(random));
      const now = states[answered - 1];
      const coming = states[answered];
      if (isDeepStrictEqual(found, now) || isDeepStrictEqual(found, coming)) continue;
      const what = found === 'refused' ? 'refused' : 'in another state';
      failures.push(`${what} after step ${index} (${step.kind}), ${answered} changes answered`);
      if (failures.length >= enough) return { cuts, lost: failures };
    }
  }
  return { cuts, lost: failures };
}

const skip = skipWithoutPrograms('strace');

test('after a power cut at any moment every answered change is there', { skip }, (t) => {
  const seed = seedOf((text) => t.diagnostic(text));
  using folder = temporaryFolder();
  const { steps, states } = traced(folder.path);
  assert.ok(steps.filter(({ kind }) => kind === 'sync').length > 30, 'the trace was understood');
  const { cuts, lost: failures } = lost(steps, states, seeded(seed));
  assert.deepEqual(failures, []);
  t.diagnostic(`${cuts} power cuts in ${steps.length} steps with ${states.length} answers`);
  // The harness can see a loss: without the syncs, or without those of folders, there are some.
  for (const kind of ['sync', 'sync-folder']) {
    const careless = steps.filter((step) => step.kind !== kind);
    assert.ok(
      lost(careless, states, seeded(seed), 1).lost.length > 0,
      `nothing is lost without ${kind}`,
    );
  }
  rmSync(join(folder.path, 'trace'));
});

import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { utf8 } from '../../../src/bytes/text.ts';
import type { SealError } from '../../../src/keys/seal/errors.ts';
import { readSealFile, writeSealFile } from '../../../src/keys/seal/seal-file.ts';
import {
  PASSPHRASE_TRIES,
  PassphraseSeal,
  makeSeal,
  openWithFile,
  sealKind,
} from '../../../src/keys/seal/seals.ts';
import { createDisk } from '../../../src/keys/store/disk.ts';
import { seedOf, seeded } from '../../support/seeded.ts';
import {
  bytesOfFolder,
  copyOf,
  temporaryFolder,
  withChangedByte,
} from '../../support/store-folder.ts';

const RIGHT = 'correct horse';
/** Less work for argon2id than a real seal takes, in all tests but the first. */
const CHEAP = { memory: 8192, passes: 1 };
const disk = createDisk();
const noWait = (): Promise<void> => Promise.resolve();

test('a passphrase opens the master key; wrong ones wait longer, are counted, and lock', async () => {
  using folder = temporaryFolder();
  const made = await makeSeal(folder.path, utf8(RIGHT));
  made.write();
  const waits: number[] = [];
  const seal = new PassphraseSeal(folder.path, (milliseconds) => {
    waits.push(milliseconds);
    return Promise.resolve();
  });
  assert.equal(sealKind(folder.path), 'passphrase');
  assert.ok(made.masterKey.equals((await seal.open(utf8(RIGHT))).masterKey));
  rmSync(join(folder.path, 'seal.json'));
  (await makeSeal(folder.path, utf8(RIGHT), disk, CHEAP)).write();
  // All at once: they are tried one after the other, and every one counts.
  const guesses = Array.from({ length: PASSPHRASE_TRIES }, () => seal.open(utf8('wrong')));
  for (const guess of guesses) await assert.rejects(guess, { code: 'SEAL_WRONG_PASSPHRASE' });
  assert.equal(waits.length, PASSPHRASE_TRIES);
  assert.ok(waits.every((each, index) => index === 0 || each >= (waits[index - 1] ?? 0)));
  await assert.rejects(seal.open(utf8(RIGHT)), { code: 'SEAL_LOCKED' });
  const next = new PassphraseSeal(folder.path, noWait);
  await assert.rejects(next.open(utf8(RIGHT)), { code: 'SEAL_LOCKED' });
});

test('a seal.json put back does not reset the count of a running strongroom', async () => {
  using folder = temporaryFolder();
  (await makeSeal(folder.path, utf8(RIGHT), disk, CHEAP)).write();
  const file = join(folder.path, 'seal.json');
  const kept = join(folder.path, 'kept');
  copyFileSync(file, kept);
  const seal = new PassphraseSeal(folder.path, noWait);
  for (let tries = 0; tries < PASSPHRASE_TRIES; tries++) {
    await assert.rejects(seal.open(utf8('wrong')), { code: 'SEAL_WRONG_PASSPHRASE' });
    copyFileSync(kept, file);
  }
  await assert.rejects(seal.open(utf8(RIGHT)), { code: 'SEAL_LOCKED' });
  // docs/trust.md says so: whoever may write the folder starts anew, and could guess elsewhere too.
  const restarted = new PassphraseSeal(folder.path, noWait);
  assert.equal((await restarted.open(utf8(RIGHT))).tries, 1);
});

test('more passphrases than may wait are refused, and count for nothing', async () => {
  using folder = temporaryFolder();
  (await makeSeal(folder.path, utf8(RIGHT), disk, CHEAP)).write();
  const seal = new PassphraseSeal(folder.path, noWait);
  const opened = Array.from({ length: 20 }, () => seal.open(utf8(RIGHT)));
  const results = await Promise.allSettled(opened);
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 16);
  const refused = results.find((each) => each.status === 'rejected');
  assert.equal((refused?.reason as SealError | undefined)?.code, 'SEAL_BUSY');
});

test('a try is counted before it is looked at: a kill in between gains nothing', async () => {
  using folder = temporaryFolder();
  (await makeSeal(folder.path, utf8(RIGHT), disk, CHEAP)).write();
  let killed = false;
  const seal = new PassphraseSeal(folder.path, noWait, {
    ...disk,
    replace(path, bytes) {
      if (killed) throw new Error('killed');
      disk.replace(path, bytes);
      killed = true;
    },
  });
  await assert.rejects(seal.open(utf8(RIGHT)), { code: 'SEAL_WRITE_FAILED' });
  const { failures, tries } = JSON.parse(
    readFileSync(join(folder.path, 'seal.json'), 'utf8'),
  ) as Record<string, unknown>;
  assert.deepEqual({ failures, tries }, { failures: 1, tries: 1 });
  // On a disk that takes nothing, no passphrase is tried: it could not be counted.
  await assert.rejects(seal.open(utf8(RIGHT)), { code: 'SEAL_WRITE_FAILED' });
});

test('half a seal.json that a power cut left beside it is of no effect', async () => {
  using folder = temporaryFolder();
  const made = await makeSeal(folder.path, utf8(RIGHT), disk, CHEAP);
  made.write();
  const whole = readFileSync(join(folder.path, 'seal.json'));
  for (const length of [0, 1, whole.length / 2, whole.length]) {
    writeFileSync(join(folder.path, 'seal.json.new'), whole.subarray(0, length));
    const seal = new PassphraseSeal(folder.path, noWait);
    assert.ok(made.masterKey.equals((await seal.open(utf8(RIGHT))).masterKey));
  }
});

test('every changed byte of seal.json is refused, whatever it becomes', async (t) => {
  const random = seeded(seedOf((text) => t.diagnostic(text)));
  for (const passphrase of [undefined, utf8(RIGHT)]) {
    using folder = temporaryFolder();
    (await makeSeal(folder.path, passphrase, disk, CHEAP)).write();
    const file = join(folder.path, 'seal.json');
    const before = bytesOfFolder(folder.path);
    const { length } = readFileSync(file);
    for (let at = 0; at < length; at++) {
      for (const mask of [
        1,
        2,
        4,
        8,
        16,
        32,
        64,
        128,
        ...Array.from({ length: 16 }, () => 1 + random(255)),
      ]) {
        withChangedByte(file, at, mask, () => {
          assert.throws(() => sealKind(folder.path), { code: 'SEAL_UNREADABLE' }, `${at} ${mask}`);
        });
      }
    }
    for (const cut of [0, 1, length - 1]) {
      using copy = copyOf(folder.path);
      writeFileSync(join(copy.path, 'seal.json'), readFileSync(file).subarray(0, cut));
      assert.throws(() => sealKind(copy.path), { code: 'SEAL_UNREADABLE' });
    }
    writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from(' ')]));
    assert.throws(() => sealKind(folder.path), { code: 'SEAL_UNREADABLE' });
    writeFileSync(file, readFileSync(file).subarray(0, length));
    assert.deepEqual(bytesOfFolder(folder.path), before);
  }
});

test('how the master key is wrapped cannot be changed by mending the check', async () => {
  using folder = temporaryFolder();
  (await makeSeal(folder.path, utf8(RIGHT), disk, CHEAP)).write();
  const kept = readSealFile(folder.path);
  assert.ok(kept.kind === 'passphrase');
  for (const change of [{ passes: 2 }, { memory: 16_384 }, { salt: `A${kept.salt.slice(1)}` }]) {
    writeSealFile(folder.path, disk, { ...kept, ...change });
    assert.equal(sealKind(folder.path), 'passphrase');
    const seal = new PassphraseSeal(folder.path, noWait);
    await assert.rejects(seal.open(utf8(RIGHT)), { code: 'SEAL_WRONG_PASSPHRASE' });
  }
});

test('a key file opens the master key, and nothing else does', async () => {
  using folder = temporaryFolder();
  const made = await makeSeal(folder.path, undefined);
  made.write();
  assert.ok(made.masterKey.equals(openWithFile(folder.path)));
  const file = join(folder.path, 'master.key');
  for (let bit = 0; bit < 256; bit++) {
    withChangedByte(file, bit >> 3, 1 << (bit & 7), () => {
      assert.throws(() => openWithFile(folder.path), { code: 'SEAL_BROKEN' });
    });
  }
  rmSync(file);
  assert.throws(() => openWithFile(folder.path), /master.key is missing/);
});

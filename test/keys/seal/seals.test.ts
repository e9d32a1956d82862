import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  PASSPHRASE_TRIES,
  createSeal,
  openWithFile,
  openWithPassphrase,
  sealKind,
} from '../../../src/keys/seal/seals.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

test('a passphrase opens the master key; wrong ones wait longer, are counted, and lock', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-seal-'));
  try {
    const made = await createSeal(folder, text('correct horse'));
    const waits: number[] = [];
    const wait = (milliseconds: number): Promise<void> => {
      waits.push(milliseconds);
      return Promise.resolve();
    };
    assert.equal(sealKind(folder), 'passphrase');
    assert.ok(made.equals(await openWithPassphrase(folder, text('correct horse'), wait)));
    for (let tries = 0; tries < PASSPHRASE_TRIES; tries++) {
      await assert.rejects(openWithPassphrase(folder, text('wrong'), wait), /passphrase is wrong/);
    }
    assert.ok(waits.every((each, index) => index === 0 || each >= (waits[index - 1] ?? 0)));
    await assert.rejects(openWithPassphrase(folder, text('correct horse'), wait), /locked/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a key file opens the master key, and nothing else does', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-seal-'));
  try {
    const made = await createSeal(folder, undefined);
    assert.ok(made.equals(openWithFile(folder)));
    rmSync(join(folder, 'master.key'));
    assert.throws(() => openWithFile(folder), /master.key is missing/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

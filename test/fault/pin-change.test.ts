// A kill at every moment of a login and of a PIN change: the old PIN or the new one, and every try
// counted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../src/bytes/text.ts';
import { firstTokenState } from '../../src/keys/engine/token.ts';
import { makeStrongroom } from '../../src/keys/make-strongroom.ts';
import { openWithFile } from '../../src/keys/seal/seals.ts';
import { createDisk } from '../../src/keys/store/disk.ts';
import type { Disk } from '../../src/keys/store/disk.ts';
import { openStore } from '../../src/keys/store/sqlite.ts';
import { Vault } from '../../src/keys/vault.ts';
import * as digests from '../../src/process/openssl.ts';
import { copyOf, temporaryFolder, watchedDisk } from '../support/store-folder.ts';
import type { Folder } from '../support/store-folder.ts';

const [OLD, NEW, WRONG] = ['11111111', '22222222', '33333333'].map((pin) => utf8(pin)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

function unlocked(folder: string, disk: Disk): Vault {
  const vault = new Vault({
    openStore: (masterKey) => openStore(folder, masterKey, disk),
    permit: () => ({ allowed: true }),
    confirm: () => Promise.resolve(false),
    wait: () => Promise.resolve(),
    digests,
  });
  vault.runSelfTests();
  vault.unlock(openWithFile(folder));
  return vault;
}

async function accepts(vault: Vault, pin: Uint8Array): Promise<boolean> {
  try {
    await vault.token.login('user', pin);
    return true;
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'PIN_INCORRECT');
    return false;
  }
}

async function moments(
  folder: string,
  work: (vault: Vault) => Promise<unknown>,
): Promise<Folder[]> {
  const found: Folder[] = [];
  let watching = false;
  const disk = watchedDisk(() => {
    if (watching) found.push(copyOf(folder));
  });
  const vault = unlocked(folder, disk);
  watching = true;
  await work(vault);
  watching = false;
  vault.lock();
  return found;
}

async function made(): Promise<Folder> {
  const folder = temporaryFolder();
  const token = await firstTokenState('Test', '01', { user: OLD, securityOfficer: OLD });
  await makeStrongroom(folder.path, createDisk(), { token, passphrase: undefined });
  return folder;
}

test('killed at any moment of a PIN change, exactly one of the two PINs opens', async () => {
  using folder = await made();
  const found = await moments(folder.path, (vault) => vault.token.setPin('user', OLD, NEW));
  assert.ok(found.length >= 12, `${found.length} moments`);
  const opened = { old: 0, new: 0 };
  for (const moment of found) {
    const vault = unlocked(moment.path, createDisk());
    const [byOld, byNew] = [await accepts(vault, OLD), await accepts(vault, NEW)];
    assert.notEqual(byOld, byNew);
    if (byOld) opened.old++;
    else opened.new++;
    vault.lock();
    moment[Symbol.dispose]();
  }
  assert.ok(opened.old > 0 && opened.new > 0);
});

test('killed while a wrong PIN is looked at, the try stays counted', async () => {
  using folder = await made();
  const found = await moments(folder.path, (vault) => accepts(vault, WRONG));
  const counts = found.map((moment) => {
    const vault = unlocked(moment.path, createDisk());
    const { userPinFailures } = vault.token.info();
    vault.lock();
    moment[Symbol.dispose]();
    return userPinFailures;
  });
  // Before its change is written nothing was looked at yet; from then on it counts.
  assert.deepEqual(counts, [0, 0, 1, 1]);
});

// The calls beside the engine's: PINs that lock and are set anew, and what provisioning wipes.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { utf8 } from '../../src/bytes/text.ts';
import { controlCalls } from '../../src/keys/control.ts';
import { TRIES_BEFORE_LOCK } from '../../src/keys/engine/token.ts';
import { openStore } from '../../src/keys/store/sqlite.ts';
import { Vault } from '../../src/keys/vault.ts';
import * as digests from '../../src/process/openssl.ts';

const caller = { front: 'client', uid: 0, pid: 0, role: 'user', scope: 'test' } as const;

test('a PIN locks after ten wrong tries, and the security officer sets a new one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-control-'));
  const waits: number[] = [];
  const wait = (milliseconds: number): Promise<void> => {
    waits.push(milliseconds);
    return Promise.resolve();
  };
  const vault = new Vault({
    openStore: (masterKey) => openStore(folder, masterKey),
    permit: () => ({ allowed: true }),
    confirm: () => Promise.resolve(false),
    wait,
    digests,
  });
  try {
    vault.runSelfTests();
    const calls = controlCalls({
      vault,
      folder,
      wait,
      facts: () => ({}),
      confirmations: { pending: () => [], answer: () => false },
    });
    const call = async (name: string, body: Parameters<(typeof calls)[string]>[0]) =>
      await calls[name]?.(body, caller);
    const status = async () => (await call('status', null)) as { pins: { user: object } };
    const [pin, soPin, passphrase] = [utf8('12345678'), utf8('87654321'), null];
    await call('provision', { label: 'Test', pin, soPin, passphrase });
    assert.deepEqual(
      [...pin, ...soPin],
      Array.from({ length: 16 }, () => 0),
      'both are wiped',
    );

    const change = (oldPin: string, newPin: string) =>
      call('pin-change', { role: 'user', oldPin: utf8(oldPin), newPin: utf8(newPin) });
    for (let round = 1; round < TRIES_BEFORE_LOCK; round++) {
      await assert.rejects(change('00000000', '11111111'), { code: 'PIN_INCORRECT' });
    }
    await assert.rejects(change('00000000', '11111111'), { code: 'PIN_LOCKED' });
    await assert.rejects(change('12345678', '11111111'), { code: 'PIN_LOCKED' });
    assert.deepEqual((await status()).pins.user, { set: true, failures: 10, locked: true });
    assert.deepEqual(
      waits,
      waits.toSorted((a, b) => a - b),
      'each wrong one waits longer',
    );

    const unblock = (officer: string) =>
      call('pin-unblock', { soPin: utf8(officer), newPin: utf8('22222222') });
    await assert.rejects(unblock('12345678'), { code: 'PIN_INCORRECT' });
    await unblock('87654321');
    assert.deepEqual((await status()).pins.user, { set: true, failures: 0, locked: false });
    await change('22222222', '33333333');
    await assert.rejects(call('pin-change', { role: 'user', oldPin: 'text' }), {
      code: 'ARGUMENTS_BAD',
    });
  } finally {
    vault.lock();
    rmSync(folder, { recursive: true, force: true });
  }
});

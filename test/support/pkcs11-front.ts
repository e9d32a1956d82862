// The engine and the PKCS#11 front in this process, on a socket in a temporary folder.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { utf8 } from '../../src/bytes/text.ts';
import { controlCalls } from '../../src/keys/control.ts';
import { Pkcs11Front } from '../../src/keys/fronts/pkcs11/server.ts';
import { openStore } from '../../src/keys/store/sqlite.ts';
import { openWithFile } from '../../src/keys/seal/seals.ts';
import { Vault } from '../../src/keys/vault.ts';
import * as digests from '../../src/process/openssl.ts';
import { peerCredentials } from '../../src/process/peer.ts';

export interface RunningFront extends AsyncDisposable {
  readonly path: string;
  readonly front: Pkcs11Front;
  readonly vault: Vault;
  /** What the front reported as unexpected. */
  readonly faults: string[];
  unlock(): void;
}

export interface FrontSettings {
  readonly pin: string;
  readonly soPin: string;
  readonly patience?: number;
  readonly confirm?: () => Promise<boolean>;
  /** Another uid than the peer's: every connection is then refused. */
  readonly uid?: number;
}

export async function startFront(settings: FrontSettings): Promise<RunningFront> {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-front-'));
  const path = join(folder, 'pkcs11.sock');
  const vault = new Vault({
    openStore: (masterKey) => openStore(folder, masterKey),
    permit: () => ({ allowed: true }),
    confirm: settings.confirm ?? (() => Promise.resolve(false)),
    wait: (milliseconds) => wait(Math.min(milliseconds, 5)),
    digests,
  });
  const calls = controlCalls({
    vault,
    folder,
    wait: () => Promise.resolve(),
    facts: () => ({}),
    confirmations: { pending: () => [], answer: () => false },
  });
  vault.runSelfTests();
  const caller = { front: 'client', uid: 0, pid: 0, role: 'user', scope: 'test' } as const;
  await calls['provision']?.(
    { label: 'Test', pin: utf8(settings.pin), soPin: utf8(settings.soPin), passphrase: null },
    caller,
  );
  const faults: string[] = [];
  const front = new Pkcs11Front({
    service: vault,
    identify: peerCredentials,
    uid: settings.uid ?? process.getuid?.() ?? -1,
    onFault: (call, kind) => faults.push(`${call}: ${kind}`),
    ...(settings.patience === undefined ? {} : { patience: settings.patience }),
  });
  const server = createServer((socket) => front.serve(socket));
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  return {
    path,
    front,
    vault,
    faults,
    unlock: () => vault.unlock(openWithFile(folder)),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => {
        server.close(resolve);
      });
      front.close();
      await closed;
      vault.lock();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

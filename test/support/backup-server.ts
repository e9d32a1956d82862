// Our backup server on a free port with accounts whose passwords are known.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomPassword, secretOf } from '../../src/backup/server/accounts.ts';
import { startBackupServer } from '../../src/backup/server/server.ts';
import type { Access, BackupServer } from '../../src/backup/server/server.ts';
import { LocalStorage } from '../../src/backup/server/storage.ts';
import type { Storage } from '../../src/backup/server/storage.ts';

export interface RunningServer extends AsyncDisposable {
  readonly server: BackupServer;
  readonly folder: string;
  readonly storage: string;
  readonly accounts: string;
  readonly accesses: Access[];
  readonly warnings: string[];
  /** `http://name:password@127.0.0.1:port` */
  as(name: string): string;
}

export interface TestAccount {
  readonly appendOnly?: boolean;
  readonly writeOnly?: boolean;
  readonly quota?: number;
  readonly folders?: readonly string[];
  /** A password that a person chose; else a random one. */
  readonly password?: string;
}

export async function runBackupServer(
  accounts: Readonly<Record<string, TestAccount>>,
  more: { readonly storage?: Storage; readonly memory?: number } = {},
): Promise<RunningServer> {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-server-'));
  const passwords = new Map<string, string>();
  const file: Record<string, unknown> = {};
  for (const [name, { password, ...settings }] of Object.entries(accounts)) {
    const made = randomPassword();
    passwords.set(name, password ?? made.password);
    const secret = password === undefined ? made.secret : await secretOf(password);
    file[name] = { secret, ...settings };
  }
  const path = join(folder, 'accounts.json');
  writeFileSync(path, JSON.stringify(file));
  const storage = join(folder, 'storage');
  const accesses: Access[] = [];
  const warnings: string[] = [];
  const server = await startBackupServer({
    storage: more.storage ?? new LocalStorage(storage),
    accounts: path,
    host: '127.0.0.1',
    port: 0,
    onAccess: (access) => accesses.push(access),
    onWarning: (text) => warnings.push(text),
    ...(more.memory === undefined ? {} : { memory: more.memory }),
  });
  return {
    server,
    folder,
    storage,
    accounts: path,
    accesses,
    warnings,
    as: (name) => server.origin.replace('//', `//${name}:${passwords.get(name) ?? ''}@`),
    async [Symbol.asyncDispose]() {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

// The key process: alone, hardened, without network, children or files but its own. Started by
// `src/node/supervisor.ts` with the flags of `src/node/key-process-flags.ts`.
import { secureHeapUsed } from 'node:crypto';
import { flushCompileCache } from 'node:module';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { dropPermissions, harden } from '../process/harden.ts';
import { syncPath } from '../process/libc.ts';
import * as digests from '../process/openssl.ts';
import { peerCredentials } from '../process/peer.ts';
import { StrongroomError, reasonOf } from '../errors.ts';
import {
  Pkcs11Front,
  SshAgent,
  Vault,
  controlCalls,
  createDisk,
  openStore,
  serveAgent,
  serveClient,
  unlockAtStart,
} from '../keys/index.ts';
import { Confirmations } from './confirmations.ts';
import { layoutOf } from './layout.ts';
import type { ToSupervisor } from './messages.ts';

function tell(message: ToSupervisor): void {
  process.send?.(message);
}

async function listen(path: string, serve: (socket: Socket) => void): Promise<Server> {
  const server = createServer(serve);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return server;
}

async function main(
  home: string,
  sources: readonly string[],
  { cache, patience }: { readonly cache?: string; readonly patience?: number },
): Promise<void> {
  const layout = layoutOf(home);
  const uid = process.getuid?.() ?? -1;
  const startedAt = new Date().toISOString();
  const identify = peerCredentials;

  // Every file and socket is its owner's alone from the moment it exists.
  process.umask(0o077);
  if (cache !== undefined) {
    // Everything is loaded: what was compiled is kept for the next start, and nothing more written.
    flushCompileCache();
    process.permission?.drop('fs.write', cache);
    process.permission?.drop('fs.read', cache);
  }
  const landlock = harden({ files: layout.keys, sockets: layout.home });
  const disk = createDisk(syncPath);
  const confirmations = new Confirmations(tell, patience);
  const vault = new Vault({
    openStore: (masterKey) => openStore(layout.keys, masterKey, disk),
    permit: () => ({ allowed: true }),
    confirm: (question) => confirmations.ask(question),
    wait: (milliseconds) => wait(milliseconds),
    digests,
  });
  const agent = new SshAgent({
    service: vault,
    wait: (milliseconds) => wait(milliseconds),
    now: () => Date.now(),
  });
  const calls = controlCalls({
    vault,
    folder: layout.keys,
    disk,
    warn: (text) => tell({ type: 'warning', text }),
    wait: (milliseconds) => wait(milliseconds),
    facts: () => ({
      startedAt,
      permissions: permissionsLeft(),
      landlock,
      secureHeap: secureHeap(),
    }),
    confirmations,
    agent,
  });
  const pkcs11 = new Pkcs11Front({
    service: vault,
    identify,
    uid,
    onFault: (call, kind) => tell({ type: 'warning', text: `pkcs11: ${call} met ${kind}` }),
  });
  const servers = [
    await listen(layout.keysSocket, (socket) =>
      serveClient(socket, { service: vault, calls, identify, uid }),
    ),
    await listen(layout.agentSocket, (socket) =>
      serveAgent(socket, {
        agent,
        identify,
        uid,
        onFault: (kind) => tell({ type: 'warning', text: `ssh-agent: a message met ${kind}` }),
      }),
    ),
    await listen(layout.pkcs11Socket, (socket) => pkcs11.serve(socket)),
  ];
  try {
    vault.runSelfTests();
  } catch (error) {
    tell({ type: 'warning', text: reasonOf(error) });
  }
  dropPermissions(sources);

  process.on('message', (message: unknown) => confirmations.onMessage(message));
  const stop = (): void => {
    for (const server of servers) server.close();
    vault.lock();
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  // Ctrl-C reaches the whole group; the supervisor decides when this process ends.
  process.on('SIGINT', () => undefined);
  // Without its supervisor nobody would restart or stop it.
  process.on('disconnect', stop);

  try {
    unlockAtStart(vault, layout.keys);
  } catch (error) {
    vault.failed(reasonOf(error));
    tell({ type: 'warning', text: reasonOf(error) });
  }
  tell({ type: 'ready', state: vault.state });
}

/** Bytes of the memory that private values live in. */
function secureHeap(): { total: number; used: number } {
  const { total, used } = secureHeapUsed();
  return { total, used };
}

const SCOPES = [
  'fs.read',
  'fs.write',
  'net',
  'ffi',
  'child',
  'worker',
  'addon',
  'wasi',
  'inspector',
] as const;

function permissionsLeft(): Readonly<Record<string, boolean>> {
  return Object.fromEntries(SCOPES.map((scope) => [scope, process.permission?.has(scope) ?? true]));
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { cache: { type: 'string' }, patience: { type: 'string' } },
});
const [home, ...sources] = positionals;
if (home === undefined) throw new StrongroomError('USAGE', 'the key process needs its home folder');
try {
  await main(home, sources, {
    ...(values.cache === undefined ? {} : { cache: values.cache }),
    ...(values.patience === undefined ? {} : { patience: Number(values.patience) }),
  });
} catch (error) {
  tell({ type: 'fatal', text: reasonOf(error) });
  process.exit(1);
}

// The engine and the ssh-agent front in this process, on a socket in a temporary folder.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '../../src/bytes/text.ts';
import { Writer } from '../../src/bytes/writer.ts';
import { controlCalls } from '../../src/keys/control.ts';
import type { Caller } from '../../src/keys/engine/request.ts';
import { FrameSplitter } from '../../src/keys/fronts/client/frame.ts';
import { SshAgent } from '../../src/keys/fronts/ssh-agent/agent.ts';
import { serveAgent } from '../../src/keys/fronts/ssh-agent/server.ts';
import { openStore } from '../../src/keys/store/sqlite.ts';
import { Vault } from '../../src/keys/vault.ts';
import * as digests from '../../src/process/openssl.ts';
import { peerCredentials } from '../../src/process/peer.ts';

export interface AgentFront extends AsyncDisposable {
  readonly path: string;
  readonly vault: Vault;
  readonly agent: SshAgent;
  readonly caller: Caller;
  /** Delays after wrong passphrases, which nobody waited for. */
  readonly waits: readonly number[];
  /** Kinds of errors that no message should be able to cause. */
  readonly faults: readonly string[];
  /** The clock of lifetimes, in milliseconds. */
  readonly clock: { now: number };
  connect(): Promise<AgentClient>;
}

/** A client that sends messages and awaits answers, one after the other. */
export interface AgentClient {
  readonly socket: Socket;
  /** The answer without its length, or `undefined` when the connection was lost instead. */
  ask(message: Uint8Array): Promise<Uint8Array | undefined>;
  /** Sends bytes as they are. */
  send(bytes: Uint8Array): void;
  close(): void;
}

/** A message with its length in front. */
export function framed(message: Uint8Array): Uint8Array {
  return new Writer(4 + message.length).bytes32(message).finish();
}

export async function connectAgent(path: string): Promise<AgentClient> {
  const socket = connect(path);
  await once(socket, 'connect');
  const splitter = new FrameSplitter();
  const answers: Uint8Array[] = [];
  let wake: (() => void) | undefined;
  const lost = (): boolean => socket.destroyed;
  socket.on('data', (chunk: Uint8Array) => {
    answers.push(...splitter.push(chunk));
    wake?.();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => wake?.());
  return {
    socket,
    async ask(message) {
      if (!lost()) socket.write(framed(message));
      while (answers.length === 0 && !lost()) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return answers.shift();
    },
    send: (bytes) => {
      if (!lost()) socket.write(bytes);
    },
    close: () => socket.destroy(),
  };
}

export async function startAgentFront(uid: number = process.getuid?.() ?? -1): Promise<AgentFront> {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-agent-'));
  const path = join(folder, 'agent.sock');
  const waits: number[] = [];
  const clock = { now: 1_000_000 };
  const faults: string[] = [];
  const vault = new Vault({
    openStore: (masterKey) => openStore(folder, masterKey),
    permit: () => ({ allowed: true }),
    confirm: () => Promise.resolve(false),
    wait: () => Promise.resolve(),
    digests,
  });
  vault.runSelfTests();
  const calls = controlCalls({
    vault,
    folder,
    wait: () => Promise.resolve(),
    facts: () => ({}),
    confirmations: { pending: () => [], answer: () => false },
  });
  const caller: Caller = { front: 'client', uid: 0, pid: 0, role: 'user', scope: 'test' };
  const pins = { pin: utf8('12345678'), soPin: utf8('87654321'), passphrase: null };
  await calls['provision']?.({ label: 'Test', ...pins }, caller);
  const agent = new SshAgent({
    service: vault,
    wait: (milliseconds) => {
      waits.push(milliseconds);
      return Promise.resolve();
    },
    now: () => clock.now,
  });
  const server = createServer((socket) =>
    serveAgent(socket, {
      agent,
      identify: peerCredentials,
      uid,
      onFault: (kind) => faults.push(kind),
    }),
  );
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  const open = new Set<AgentClient>();
  return {
    path,
    vault,
    agent,
    caller,
    waits,
    faults,
    clock,
    async connect() {
      const client = await connectAgent(path);
      open.add(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of open) client.close();
      await new Promise((resolve) => {
        server.close(resolve);
      });
      vault.lock();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

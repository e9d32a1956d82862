// The key process by itself, without a supervisor: started in a home, spoken to, killed.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { utf8 } from '../../src/bytes/text.ts';
import { connectKeys } from '../../src/keys/index.ts';
import type { KeysClient } from '../../src/keys/index.ts';
import { launchKeyProcess } from '../../src/node/launch.ts';
import type { KeyProcessProgram } from '../../src/node/launch.ts';
import { layoutOf, prepareHome } from '../../src/node/layout.ts';
import type { Layout } from '../../src/node/layout.ts';
import { isToSupervisor } from '../../src/node/messages.ts';
import { temporaryHome } from './strongroom.ts';

export const PIN = '12345678';
export const SO_PIN = '87654321';

export interface KeyProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** `locked`, `operational` or `failed`, as it said when it listened. */
  readonly state: string;
  readonly warnings: readonly string[];
  connect(): Promise<KeysClient>;
  kill(): Promise<void>;
}

export interface Home extends AsyncDisposable {
  readonly home: string;
  readonly layout: Layout;
  /** Starts the key process and waits until it listens. */
  start(program?: KeyProcessProgram): Promise<KeyProcess>;
}

/** A home of its own; its key processes end with it. */
export function keyProcessHome(): Home {
  const home = temporaryHome();
  const layout = layoutOf(home);
  const children = new Set<ChildProcess>();
  prepareHome(layout);
  return {
    home,
    layout,
    async start(program) {
      const child = launchKeyProcess(layout, program);
      children.add(child);
      child.once('exit', () => children.delete(child));
      const warnings: string[] = [];
      let complaint = '';
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaint += text));
      const state = await new Promise<string>((resolve, reject) => {
        child.on('message', (message: unknown) => {
          if (!isToSupervisor(message)) return;
          if (message.type === 'warning') warnings.push(message.text);
          if (message.type === 'fatal') complaint += message.text;
          if (message.type === 'ready') resolve(message.state);
        });
        child.once('exit', (code, signal) =>
          reject(new Error(`it ended with ${code ?? signal}: ${complaint}`)),
        );
      });
      return {
        child,
        pid: child.pid ?? 0,
        state,
        warnings,
        connect: () => connectKeys(home),
        async kill() {
          if (child.exitCode !== null || child.signalCode !== null) return;
          child.kill('SIGKILL');
          await once(child, 'exit');
        },
      };
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      rmSync(dirname(home), { recursive: true, force: true });
    },
  };
}

/** Makes a strongroom with known PINs in a running key process. */
export async function provisionFor(client: KeysClient, passphrase?: string): Promise<void> {
  await client.call('provision', {
    label: 'Test',
    pin: utf8(PIN),
    soPin: utf8(SO_PIN),
    passphrase: passphrase === undefined ? null : utf8(passphrase),
  });
}

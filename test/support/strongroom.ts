// A strongroom of its own in a temporary home, for tests that run the real processes.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { once } from 'node:events';

const root = dirname(dirname(import.meta.dirname));
const program = join(root, 'src/cli/main.ts');

export interface Running {
  readonly home: string;
  /** Runs the command line; standard output as bytes. */
  cli(
    words: readonly string[],
    input?: Uint8Array | string,
  ): { status: number; out: Buffer; err: string };
  stop(): Promise<number | null>;
  [Symbol.asyncDispose](): Promise<void>;
}

export function temporaryHome(): string {
  return join(mkdtempSync(join(tmpdir(), 'strongroom-')), 'home');
}

export async function startStrongroom(
  home: string = temporaryHome(),
  options: readonly string[] = [],
): Promise<Running> {
  const environment = { ...process.env, STRONGROOM_HOME: home };
  const up = spawn(process.execPath, [program, 'up', ...options], {
    env: environment,
    stdio: 'pipe',
  });
  let talk = '';
  const ready = new Promise<void>((resolve, reject) => {
    up.stdout.setEncoding('utf8').on('data', (text: string) => {
      talk += text;
      if (talk.includes('strongroom is up')) resolve();
    });
    up.stderr.setEncoding('utf8').on('data', (text: string) => {
      talk += text;
    });
    up.once('exit', () => reject(new Error(`it did not start: ${talk}`)));
  });
  await ready;
  const stop = async (): Promise<number | null> => {
    if (up.exitCode === null && up.signalCode === null) {
      up.kill('SIGINT');
      await once(up, 'exit');
    }
    return up.exitCode;
  };
  return {
    home,
    cli(words, input = '') {
      const done = spawnSync(process.execPath, [program, ...words], { env: environment, input });
      return { status: done.status ?? -1, out: done.stdout, err: done.stderr.toString() };
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(dirname(home), { recursive: true, force: true });
    },
  };
}

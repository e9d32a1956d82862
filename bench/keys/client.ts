import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StrongroomError } from '../../src/errors.ts';
import { run } from './programs.ts';

/** A PKCS#11 token behind a module, or an ssh-agent behind a socket. */
export type Target =
  | {
      readonly kind: 'module';
      readonly module: string;
      readonly label: string;
      readonly pin: string;
      readonly environment: NodeJS.ProcessEnv;
    }
  | { readonly kind: 'agent'; readonly socket: string };

/** What the client does: an algorithm of the token, how many at a time, and for how long. */
export interface Load {
  readonly mechanism: 'ecdsa' | 'rsa' | 'rsa-raw' | 'ed25519';
  readonly threads: number;
  readonly processes: number;
  readonly warmMs: number;
  readonly runMs: number;
}

/** Signatures a second, and microseconds that the median and the 99th in a hundred took. */
export interface Measured {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
}

export interface Client extends Disposable {
  /** Makes the key pairs that `measure` signs with. */
  makeKeys(target: Target & { readonly kind: 'module' }): void;
  measure(target: Target, load: Load): Measured;
}

/** Builds the client program in a folder of its own. @throws {StrongroomError} when gcc refuses */
export function buildClient(): Client {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-bench-client-'));
  const program = join(folder, 'client');
  const source = join(import.meta.dirname, 'client.c');
  run('gcc', ['-O2', '-Wall', '-Wextra', '-o', program, source, '-ldl', '-lpthread']);
  const call = (words: readonly string[], environment: NodeJS.ProcessEnv): string => {
    const done = spawnSync(program, words, {
      env: environment,
      encoding: 'utf8',
      timeout: 120_000,
    });
    if (done.status === 0) return done.stdout;
    throw new StrongroomError('BENCH_FAILED', `the client failed: ${done.stderr.trim()}`);
  };
  return {
    makeKeys({ module, label, pin, environment }) {
      call(['make', module, label, pin], environment);
    },
    measure(target, load) {
      const times = [load.threads, load.processes, load.warmMs, load.runMs].map(String);
      const out =
        target.kind === 'agent'
          ? call(['agent', target.socket, ...times], process.env)
          : call(
              ['sign', target.module, target.label, target.pin, load.mechanism, ...times],
              target.environment,
            );
      return JSON.parse(out) as Measured;
    },
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

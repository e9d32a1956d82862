import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { StrongroomError } from '../../src/errors.ts';
import type { Target } from './client.ts';
import { run, softHsmModule } from './programs.ts';

const LABEL = 'Peer';

/** SoftHSM2 as Debian ships it, with a token of its own in a temporary folder. */
export function startSoftHsm(
  pin: string,
): Disposable & { readonly name: string; readonly target: Target & { readonly kind: 'module' } } {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-bench-softhsm-'));
  const tokens = join(folder, 'tokens');
  const settings = join(folder, 'softhsm2.conf');
  mkdirSync(tokens);
  writeFileSync(settings, `directories.tokendir = ${tokens}\nobjectstore.backend = file\n`);
  const environment = { ...process.env, SOFTHSM2_CONF: settings };
  const words = ['--init-token', '--free', '--label', LABEL, '--pin', pin, '--so-pin', pin];
  run('softhsm2-util', words, environment);
  return {
    name: `SoftHSM ${run('softhsm2-util', ['--version']).trim()}`,
    target: { kind: 'module', module: softHsmModule ?? '', label: LABEL, pin, environment },
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** OpenSSH's agent with one Ed25519 key. */
export async function startSshAgent(): Promise<
  AsyncDisposable & { readonly name: string; readonly target: Target }
> {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-bench-agent-'));
  const socket = join(folder, 'agent.sock');
  const key = join(folder, 'key');
  run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  for (let tries = 0; !existsSync(socket); tries++) {
    if (tries > 600) throw new StrongroomError('BENCH_FAILED', 'ssh-agent did not start');
    await wait(100);
  }
  run('ssh-add', ['-q', key], { ...process.env, SSH_AUTH_SOCK: socket });
  const [version = 'OpenSSH'] = run('ssh', ['-V']).split(/[ ,]/);
  return {
    name: `${version.replace('_', ' ')} ssh-agent`,
    target: { kind: 'agent', socket },
    async [Symbol.asyncDispose]() {
      if (agent.exitCode === null) {
        agent.kill();
        await once(agent, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

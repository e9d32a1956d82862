// OpenSSH's own programs beside a strongroom whose agent they use.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cliAt } from './cli.ts';
import type { Cli } from './cli.ts';
import { startStrongroom } from './strongroom.ts';
import type { Running } from './strongroom.ts';

/** `false`, or the reason why these programs cannot be tried here; never a reason in CI. */
export function skipWithoutSsh(...programs: readonly string[]): string | false {
  if (process.env['CI'] === 'true') return false;
  const missing = programs.filter((name) => spawnSync('which', [name]).status !== 0);
  return missing.length > 0 && `not installed: ${missing.join(', ')}`;
}

export interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
  /** The command line and all that it said, for messages. */
  readonly said: string;
}

export interface SshAgent extends AsyncDisposable {
  readonly running: Running;
  readonly cli: Cli;
  /** An empty folder, home and working folder of the programs. */
  readonly folder: string;
  readonly file: (name: string) => string;
  readonly environment: NodeJS.ProcessEnv;
  readonly spawn: (name: string, words: readonly string[], input?: string) => Ran;
  /** Runs a program that must succeed; its standard output. */
  readonly run: (name: string, words: readonly string[], input?: string) => string;
  /** Runs a program that must fail; all that it said. */
  readonly fails: (name: string, words: readonly string[], input?: string) => string;
  /** What the programs are told when they ask for a passphrase. */
  readonly passphrase: (text: string) => void;
  /** A key made by ssh-keygen, without a passphrase unless one is given. */
  readonly keygen: (name: string, type: string, options?: readonly string[]) => void;
}

/** Starts a strongroom, and points the programs of OpenSSH at its agent. */
export async function startAgent(): Promise<SshAgent> {
  const running = await startStrongroom();
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-ssh-'));
  const file = (name: string): string => join(folder, name);
  writeFileSync(file('askpass'), `#!/bin/sh\ncat '${file('passphrase')}'\n`);
  chmodSync(file('askpass'), 0o755);
  const environment = {
    ...process.env,
    SSH_AUTH_SOCK: join(running.home, 'ssh-agent.sock'),
    SSH_ASKPASS: file('askpass'),
    SSH_ASKPASS_REQUIRE: 'force',
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
  };
  const spawn = (name: string, words: readonly string[], input = ''): Ran => {
    const done = spawnSync(name, words, {
      env: environment,
      input,
      cwd: folder,
      timeout: 120_000,
      encoding: 'utf8',
    });
    const said = `${name} ${words.join(' ')} (${done.status}): ${done.stdout}${done.stderr}`;
    return { status: done.status, out: done.stdout, err: done.stderr, said };
  };
  const run = (name: string, words: readonly string[], input = ''): string => {
    const { status, out, said } = spawn(name, words, input);
    assert.equal(status, 0, said);
    return out;
  };
  return {
    running,
    cli: cliAt(running.home),
    folder,
    file,
    environment,
    spawn,
    run,
    fails(name, words, input = '') {
      const { status, said } = spawn(name, words, input);
      assert.notEqual(status, 0, said);
      return said;
    },
    passphrase: (text) => writeFileSync(file('passphrase'), `${text}\n`),
    keygen(name, type, options = []) {
      const passphrase = options.includes('-N') ? [] : ['-N', ''];
      run('ssh-keygen', ['-q', '-t', type, ...passphrase, '-C', name, ...options, '-f', name]);
    },
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

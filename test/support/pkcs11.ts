// A strongroom with known PINs, and the environment in which PKCS#11 programs reach it.
import { spawnSync } from 'node:child_process';
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startStrongroom, temporaryHome } from './strongroom.ts';
import type { Running } from './strongroom.ts';

const program = join(dirname(dirname(import.meta.dirname)), 'src/cli/main.ts');

export const PIN = '12345678';
export const SO_PIN = '87654321';

const MODULES = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map(
  (triplet) => `/usr/lib/${triplet}/pkcs11/p11-kit-client.so`,
);
/** The stock client module, wherever this machine has it, or another one to try. */
export const CLIENT_MODULE: string =
  process.env['STRONGROOM_TEST_PKCS11_MODULE'] ??
  MODULES.find((path) => existsSync(path)) ??
  (MODULES[0] as string);

/** `false`, or the reason why these programs cannot be tried here; never a reason in CI. */
export function skipWithout(...programs: readonly string[]): string | false {
  if (process.env['CI'] === 'true') return false;
  const missing = programs.filter((name) => spawnSync('which', [name]).status !== 0);
  if (!existsSync(CLIENT_MODULE)) missing.push('p11-kit-client.so');
  return missing.length > 0 && `not installed: ${missing.join(', ')}`;
}

export interface Token extends AsyncDisposable {
  readonly running: Running;
  /** An empty folder, the working folder of the programs. */
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Runs a program that must succeed; its standard output. */
  readonly run: (name: string, words: readonly string[], input?: string) => string;
  /** Runs a program that must fail; its standard error. */
  readonly fails: (name: string, words: readonly string[]) => string;
  /** Runs pkcs11-tool, logged in as the user. */
  readonly tool: (words: readonly string[]) => string;
}

/** Starts the real processes with a token whose PINs are known. @param options of `strongroom up` */
export async function startToken(options: readonly string[] = []): Promise<Token> {
  const home = temporaryHome();
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-pkcs11-'));
  writeFileSync(join(folder, 'pin'), PIN);
  writeFileSync(join(folder, 'so-pin'), SO_PIN);
  const files = ['--pin-file', join(folder, 'pin'), '--so-pin-file', join(folder, 'so-pin')];
  const made = spawnSync(process.execPath, [program, 'init', ...files], {
    env: { ...process.env, STRONGROOM_HOME: home },
  });
  assert.equal(made.status, 0, made.stderr.toString());
  const running = await startStrongroom(home, options);
  const printed = running.cli(['pkcs11', 'env', '--json', '--module', CLIENT_MODULE]);
  assert.equal(printed.status, 0, printed.err);
  const told = JSON.parse(printed.out.toString()) as Record<string, string>;
  const environment = {
    ...process.env,
    HOME: folder,
    P11_KIT_SERVER_ADDRESS: told['P11_KIT_SERVER_ADDRESS'],
    PKCS11_MODULE_PATH: told['STRONGROOM_PKCS11_MODULE'],
    GNUTLS_PIN: PIN,
  };
  const spawn = (name: string, words: readonly string[], input = '') => {
    const done = spawnSync(name, words, {
      env: environment,
      input,
      cwd: folder,
      timeout: 60_000,
    });
    const said = `${name} ${words.join(' ')}: ${done.stdout.toString()}${done.stderr.toString()}`;
    return { status: done.status, out: done.stdout.toString(), err: done.stderr.toString(), said };
  };
  const run = (name: string, words: readonly string[], input = ''): string => {
    const { status, out, said } = spawn(name, words, input);
    assert.equal(status, 0, said);
    return out;
  };
  return {
    running,
    folder,
    environment,
    run,
    fails: (name, words) => {
      const { status, err, said } = spawn(name, words);
      assert.notEqual(status, 0, said);
      return err;
    },
    tool: (words) =>
      run('pkcs11-tool', ['--module', CLIENT_MODULE, '--login', '--pin', PIN, ...words]),
    async [Symbol.asyncDispose]() {
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
      rmSync(dirname(home), { recursive: true, force: true });
    },
  };
}

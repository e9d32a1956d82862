import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { StrongroomError } from '../../src/errors.ts';

/** Where systems put SoftHSM2's module. */
const SOFTHSM_MODULES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
] as const;

export const softHsmModule: string | undefined = SOFTHSM_MODULES.find((path) => existsSync(path));

/** Programs and the Debian package of each. */
const PROGRAMS: Readonly<Record<string, string>> = {
  gcc: 'gcc libc6-dev',
  'softhsm2-util': 'softhsm2',
  'ssh-agent': 'openssh-client',
};

/**
 * Says what the benchmark of the keys needs and this machine has not.
 * @throws {StrongroomError} naming the Debian packages
 */
export function checkPrograms(clientModule: string): void {
  const packages = Object.entries(PROGRAMS)
    .filter(([program]) => spawnSync('which', [program]).status !== 0)
    .map(([, name]) => name);
  if (!existsSync(clientModule)) packages.push('p11-kit-modules');
  if (softHsmModule === undefined && !packages.includes('softhsm2')) packages.push('softhsm2');
  if (packages.length === 0) return;
  throw new StrongroomError('PROGRAM_MISSING', 'the programs to measure with are not all here', {
    mend: `apt-get install --no-install-recommends ${packages.join(' ')}`,
  });
}

/** Runs a program that must succeed; its output. */
export function run(
  program: string,
  words: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): string {
  const done = spawnSync(program, words, { env: environment, encoding: 'utf8', timeout: 120_000 });
  if (done.status === 0) return done.stdout + done.stderr;
  throw new StrongroomError('BENCH_FAILED', `${program} failed: ${done.stderr.trim()}`);
}

import { StrongroomError } from '../errors.ts';
import { confine, landlockVersion } from './landlock.ts';
import type { Confinement } from './landlock.ts';
import { forbidDumps, forbidNewPrivileges } from './libc.ts';

/** The process could not be hardened; it must not touch a key. */
export class HardeningError extends StrongroomError {
  constructor(what: string) {
    super('HARDENING_FAILED', `the key process could not be hardened: ${what}`, {
      duty: 'internal',
      mend: 'run it on Linux with the Node that comes with this repository',
    });
  }
}

type Scope = Parameters<typeof process.permission.has>[0];

/**
 * First half, before anything secret is read and once every module is loaded: no memory dumps, no new
 * privileges, and by the kernel's own hand no file but these, where it offers that.
 * @returns the version of Landlock that confines the process; 0 where the kernel has none
 * @throws {HardeningError} when the kernel refuses what it offers
 */
export function harden(confinement: Confinement): number {
  if (!forbidDumps()) throw new HardeningError('the kernel refused to forbid memory dumps');
  if (!forbidNewPrivileges()) throw new HardeningError('the kernel refused no_new_privs');
  const version = confine(confinement);
  if (version === 0 && landlockVersion() > 0) {
    throw new HardeningError('the kernel refused to confine it to its folder');
  }
  return version;
}

/**
 * Second half, once every socket listens and every native function is bound: the process can no
 * longer connect anywhere or bind native code. Sockets that listen go on accepting.
 * @param readable folders that may no longer be read, the program's own sources
 * @throws {HardeningError} when a permission is left that must be gone
 */
export function dropPermissions(readable: readonly string[]): void {
  const permission = process.permission;
  if (permission === undefined) throw new HardeningError('it does not run under --permission');
  permission.drop('net');
  permission.drop('ffi');
  for (const folder of readable) permission.drop('fs.read', folder);
  const gone: readonly Scope[] = ['net', 'ffi', 'child', 'worker', 'addon', 'wasi', 'inspector'];
  for (const scope of gone) {
    if (permission.has(scope)) throw new HardeningError(`it still has the permission ${scope}`);
  }
}

import { closeSync, openSync } from 'node:fs';
import { dlopen, getRawPointer } from 'node:ffi';

/**
 * The few calls of libc that Node has no API for. The library handle and the memory live as long as
 * the process: a collected handle or a moved buffer would be a wild pointer.
 */
const library = dlopen('libc.so.6', {
  prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' },
  setrlimit: { arguments: ['i32', 'pointer'], return: 'i32' },
  fsync: { arguments: ['i32'], return: 'i32' },
  getsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'pointer'], return: 'i32' },
});

// One page of its own: an ArrayBuffer of this size is off the JavaScript heap and never moves.
const memory = new ArrayBuffer(4096);
const view = new DataView(memory);
const address = getRawPointer(memory);

const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_GET_NO_NEW_PRIVS = 39;
const RLIMIT_CORE = 4;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

function prctl(option: number, value: bigint): number {
  return library.functions.prctl(option, value, 0n, 0n, 0n);
}

/** Other processes of the same user can no longer read this one's memory (prctl(2)). */
export function forbidDumps(): boolean {
  view.setBigUint64(0, 0n, true);
  view.setBigUint64(8, 0n, true);
  const limited = library.functions.setrlimit(RLIMIT_CORE, address) === 0;
  return prctl(PR_SET_DUMPABLE, 0n) === 0 && prctl(PR_GET_DUMPABLE, 0n) === 0 && limited;
}

/** No program started later can gain privileges, setuid or not. */
export function forbidNewPrivileges(): boolean {
  return prctl(PR_SET_NO_NEW_PRIVS, 1n) === 0 && prctl(PR_GET_NO_NEW_PRIVS, 0n) === 1;
}

/**
 * Makes a file, or the names in a folder, durable (fsync(2)); the permission model forbids Node's own
 * call.
 * @throws {Error} when the kernel could not
 */
export function syncPath(path: string): void {
  const opened = openSync(path, 'r');
  try {
    if (library.functions.fsync(opened) !== 0) throw new Error('the disk could not be synced');
  } finally {
    closeSync(opened);
  }
}

/** SO_PEERCRED of a connected UNIX socket (unix(7)): who connected, as the kernel saw it. */
export function peerOf(fd: number): { pid: number; uid: number; gid: number } | undefined {
  const LENGTH_AT = 16;
  view.setUint32(LENGTH_AT, 12, true);
  const result = library.functions.getsockopt(
    fd,
    SOL_SOCKET,
    SO_PEERCRED,
    address,
    address + BigInt(LENGTH_AT),
  );
  if (result !== 0 || view.getUint32(LENGTH_AT, true) !== 12) return undefined;
  return {
    pid: view.getInt32(0, true),
    uid: view.getUint32(4, true),
    gid: view.getUint32(8, true),
  };
}

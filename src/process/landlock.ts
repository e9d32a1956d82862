import { dlopen, getRawPointer } from 'node:ffi';

/*
 * Landlock (landlock(7)): a process gives up, for itself and for good, every file but those it names.
 * Unlike Node's permission model the kernel holds it, and for SQLite and links too.
 */

const library = dlopen('libc.so.6', {
  open: { arguments: ['pointer', 'i32'], return: 'i32' },
  close: { arguments: ['i32'], return: 'i32' },
  syscall: { arguments: ['i64', 'u64', 'u64', 'u64', 'u64'], return: 'i64' },
});
// Off the JavaScript heap: an ArrayBuffer of this size never moves.
const memory = new ArrayBuffer(4096);
const view = new DataView(memory);
const address = getRawPointer(memory);

/** The same numbers on every architecture that Linux has had since. */
const CREATE_RULESET = 444n;
const ADD_RULE = 445n;
const RESTRICT_SELF = 446n;
const CREATE_RULESET_VERSION = 1n;
const RULE_PATH_BENEATH = 1n;
/** O_PATH, O_DIRECTORY and O_CLOEXEC: a name for a folder, not a way to read it. */
const FOLDER = 0x20_0000 | 0x1_0000 | 0x8_0000;
const PATH_AT = 64;

/** LANDLOCK_ACCESS_FS_… */
const FS = {
  WRITE_FILE: 1n << 1n,
  READ_FILE: 1n << 2n,
  READ_DIR: 1n << 3n,
  REMOVE_DIR: 1n << 4n,
  REMOVE_FILE: 1n << 5n,
  MAKE_REG: 1n << 8n,
  MAKE_SOCK: 1n << 9n,
  TRUNCATE: 1n << 14n,
} as const;

/** Kinds of access to files that each version of the interface knows, from the first on. */
const FS_KINDS = [13, 14, 15, 15, 16, 16] as const;
/** LANDLOCK_ACCESS_NET_BIND_TCP and …_CONNECT_TCP, from version 4. */
const NET_TCP = 3n;
/** LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and …_SIGNAL, from version 6. */
const SCOPES = 3n;

function call(number: bigint, ...words: readonly bigint[]): number {
  const [a = 0n, b = 0n, c = 0n, d = 0n] = words;
  return Number(library.functions.syscall(number, a, b, c, d));
}

/** The version of Landlock that the kernel offers; 0 where it has none. */
export function landlockVersion(): number {
  return Math.max(0, call(CREATE_RULESET, 0n, 0n, CREATE_RULESET_VERSION));
}

/** Folders and what may be done beneath them. */
export interface Confinement {
  /** Read, write, make and remove files. */
  readonly files: string;
  /** Make and remove sockets, and nothing else. */
  readonly sockets: string;
}

/** By libc, as the permission model lets Node open no folder that this process shall not read. */
function openFolder(path: string): number {
  const encoded = Buffer.from(`${path}\0`);
  if (encoded.length > memory.byteLength - PATH_AT) return -1;
  new Uint8Array(memory).set(encoded, PATH_AT);
  return library.functions.open(address + BigInt(PATH_AT), FOLDER);
}

function allow(ruleset: number, folder: string, access: bigint): boolean {
  const opened = openFolder(folder);
  if (opened < 0) return false;
  // struct landlock_path_beneath_attr, packed: u64 access, s32 descriptor.
  view.setBigUint64(0, access, true);
  view.setInt32(8, opened, true);
  const added = call(ADD_RULE, BigInt(ruleset), RULE_PATH_BENEATH, address) === 0;
  library.functions.close(opened);
  return added;
}

/**
 * Confines this thread and all threads and processes that it starts from now on: no file but those
 * named, no TCP, no signal to another process. The process must have given up new privileges.
 * @returns the version that confines it; 0 when the kernel has none, or refuses
 */
export function confine({ files, sockets }: Confinement): number {
  const version = landlockVersion();
  if (version === 0) return 0;
  const kinds = FS_KINDS[Math.min(version, FS_KINDS.length) - 1] ?? 16;
  const known = (1n << BigInt(kinds)) - 1n;
  // struct landlock_ruleset_attr; an older kernel takes the beginning of it.
  view.setBigUint64(0, known, true);
  view.setBigUint64(8, version >= 4 ? NET_TCP : 0n, true);
  view.setBigUint64(16, version >= 6 ? SCOPES : 0n, true);
  const size = version >= 6 ? 24n : version >= 4 ? 16n : 8n;
  const ruleset = call(CREATE_RULESET, address, size, 0n);
  if (ruleset < 0) return 0;
  const inFiles =
    FS.READ_FILE |
    FS.READ_DIR |
    FS.WRITE_FILE |
    FS.TRUNCATE |
    FS.MAKE_REG |
    FS.REMOVE_FILE |
    FS.REMOVE_DIR;
  const done =
    allow(ruleset, files, inFiles & known) &&
    allow(ruleset, sockets, (FS.MAKE_SOCK | FS.REMOVE_FILE) & known) &&
    call(RESTRICT_SELF, BigInt(ruleset), 0n) === 0;
  library.functions.close(ruleset);
  return done ? version : 0;
}

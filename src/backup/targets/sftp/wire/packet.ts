import { BytesError, Reader } from '../../../../bytes/reader.ts';
import { Writer } from '../../../../bytes/writer.ts';

/** SFTP version 3 (draft-ietf-secsh-filexfer-02), as OpenSSH speaks it. */

/** Packet types (section 3). */
export const FXP = {
  INIT: 1,
  VERSION: 2,
  OPEN: 3,
  CLOSE: 4,
  READ: 5,
  WRITE: 6,
  LSTAT: 7,
  FSTAT: 8,
  OPENDIR: 11,
  READDIR: 12,
  REMOVE: 13,
  MKDIR: 14,
  RENAME: 18,
  STATUS: 101,
  HANDLE: 102,
  DATA: 103,
  NAME: 104,
  ATTRS: 105,
  EXTENDED: 200,
} as const;

/** Flags of OPEN (section 6.3). */
export const FXF = { READ: 1, WRITE: 2, CREAT: 8, EXCL: 32 } as const;

/** Status codes (section 7). */
export const FX = { OK: 0, EOF: 1, NO_SUCH_FILE: 2, PERMISSION_DENIED: 3, FAILURE: 4 } as const;

const ATTR_SIZE = 1;
const ATTR_UIDGID = 2;
const ATTR_PERMISSIONS = 4;
const ATTR_ACMODTIME = 8;
const ATTR_EXTENDED = 0x8000_0000;

/** What of a file's attributes (section 5) is used here. */
export interface Attributes {
  readonly size: number | undefined;
  /** POSIX mode with the type of the file in it. */
  readonly mode: number | undefined;
  /** Seconds since 1970. */
  readonly modified: number | undefined;
}

/** Longest packet that is accepted: OpenSSH's own limit. */
export const MAX_PACKET: number = 256 << 10;

export function readAttributes(reader: Reader): Attributes {
  const flags = reader.u32();
  const size = (flags & ATTR_SIZE) === 0 ? undefined : Number(reader.u64());
  if ((flags & ATTR_UIDGID) !== 0) reader.bytes(8);
  const mode = (flags & ATTR_PERMISSIONS) === 0 ? undefined : reader.u32();
  let modified: number | undefined;
  if ((flags & ATTR_ACMODTIME) !== 0) {
    reader.u32();
    modified = reader.u32();
  }
  if ((flags & ATTR_EXTENDED) !== 0) {
    const count = reader.u32();
    for (let index = 0; index < count; index++) {
      reader.bytes32(MAX_PACKET);
      reader.bytes32(MAX_PACKET);
    }
  }
  return { size, mode, modified };
}

/** Attributes to send: nothing, or permissions. */
export function writeAttributes(writer: Writer, mode?: number): Writer {
  return mode === undefined ? writer.u32(0) : writer.u32(ATTR_PERMISSIONS).u32(mode);
}

/** A packet begins with its length, patched by `packet`. */
export function begin(type: number, id: number): Writer {
  return new Writer().u32(0).u8(type).u32(id);
}

/** The bytes of a packet whose fields were written. */
export function packet(writer: Writer): Uint8Array {
  return writer.patchU32(0, writer.length - 4).finish();
}

/** Cuts a stream into packets. */
export class PacketSplitter {
  #kept: Uint8Array = new Uint8Array();

  /** @throws {BytesError} when a packet announces more than `MAX_PACKET` bytes */
  push(chunk: Uint8Array): Uint8Array[] {
    const bytes = new Uint8Array(this.#kept.length + chunk.length);
    bytes.set(this.#kept);
    bytes.set(chunk, this.#kept.length);
    const found: Uint8Array[] = [];
    let at = 0;
    while (bytes.length - at >= 4) {
      const length = new Reader(bytes.subarray(at, at + 4)).u32();
      if (length === 0 || length > MAX_PACKET) {
        throw new BytesError(`an SFTP packet of ${length} bytes`);
      }
      if (bytes.length - at - 4 < length) break;
      found.push(bytes.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
    this.#kept = bytes.subarray(at);
    return found;
  }
}

import type { KeyObject } from 'node:crypto';
import { BytesError, Reader } from '../../bytes/reader.ts';
import { utf8 } from '../../bytes/text.ts';
import { Writer } from '../../bytes/writer.ts';
import { seal, unseal } from './sealing.ts';

/** One state of the records: how many changes led to it, and the digest over all of them. */
export interface StoreState {
  readonly generation: number;
  readonly digest: Uint8Array;
}

/** What the files of the store must be. Digests are SHA-256. */
export interface Anchor {
  /** The state that is there; during a commit, the one before it and the one that comes. */
  readonly states: readonly [StoreState] | readonly [StoreState, StoreState];
  /** The database file, which changes only when the log is folded into it. */
  readonly database: Uint8Array;
  /** While that is under way: the database file afterwards, which then holds the first state. */
  readonly folded: Uint8Array | undefined;
  /** The log up to the last commit that was answered; a commit under way may have added to it. */
  readonly log: { readonly length: number; readonly digest: Uint8Array };
}

const ASSOCIATED: Uint8Array = utf8('strongroom anchor 1');
const DIGEST = 32;

/** The anchor as it lies in its file. */
export function sealAnchor(key: KeyObject, anchor: Anchor): Uint8Array {
  const writer = new Writer(256).u8(anchor.states.length);
  for (const { generation, digest } of anchor.states) writer.u64(BigInt(generation)).bytes(digest);
  writer.bytes(anchor.database).u8(anchor.folded === undefined ? 0 : 1);
  if (anchor.folded !== undefined) writer.bytes(anchor.folded);
  writer.u64(BigInt(anchor.log.length)).bytes(anchor.log.digest);
  return seal(key, ASSOCIATED, writer.finish());
}

/** @returns `undefined` when these bytes are no anchor under this key */
export function openAnchor(key: KeyObject, sealed: Uint8Array): Anchor | undefined {
  const clear = unseal(key, ASSOCIATED, sealed);
  if (clear === undefined) return undefined;
  try {
    const reader = new Reader(clear);
    const count = reader.u8();
    const first = readState(reader);
    const states = count === 2 ? ([first, readState(reader)] as const) : ([first] as const);
    const database = reader.bytes(DIGEST);
    const folded = reader.u8() === 1 ? reader.bytes(DIGEST) : undefined;
    const log = { length: Number(reader.u64()), digest: reader.bytes(DIGEST) };
    reader.end();
    return { states, database, folded, log };
  } catch (error) {
    // Sealed by another version of this program.
    if (error instanceof BytesError) return undefined;
    throw error;
  }
}

function readState(reader: Reader): StoreState {
  return { generation: Number(reader.u64()), digest: reader.bytes(DIGEST) };
}

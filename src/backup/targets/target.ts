import { TargetError } from '../errors.ts';

/**
 * Kinds of objects in a repository. Every object but the one `config` is named by the SHA-256 of
 * its bytes, in 64 lower-case hexadecimal digits.
 */
export type ObjectKind = 'config' | 'keys' | 'locks' | 'snapshots' | 'index' | 'data';

export const OBJECT_KINDS: readonly ObjectKind[] = [
  'config',
  'keys',
  'locks',
  'snapshots',
  'index',
  'data',
];

/** One object. The name of `config` is the empty string: use `CONFIG`. */
export interface ObjectRef {
  readonly kind: ObjectKind;
  readonly name: string;
}

export const CONFIG: ObjectRef = { kind: 'config', name: '' };

/** An object as a listing shows it; `size` in bytes. */
export interface ObjectInfo {
  readonly name: string;
  readonly size: number;
}

/** The bytes of an object in order, in as many pieces as the caller happens to have. */
export type ObjectBody = readonly Uint8Array[];

/**
 * Somewhere a repository is kept. Whoever runs it is trusted with nothing: it may lose, alter,
 * swap, hide or keep anything, and the repository above finds out. An implementation therefore
 * owes honesty about failures, and nothing else.
 *
 * The contract, held by `test/suite/target.ts`:
 * - Every method may be called any number of times at once, and again after it failed.
 * - Every failure is a `TargetError`. `retriable` faults are tried again by `withRetries`; an
 *   implementation neither retries nor waits by itself, but it must give up (fault `busy`) when
 *   nothing has moved for its timeout: no call hangs for ever.
 * - Nothing is cached: what another client did is seen by the next call.
 * - References are checked by `checkRef` before anything else, so no name ever reaches a path or
 *   URL unless it is 64 hexadecimal digits.
 * - Credentials are in no message and not in `location`.
 */
export interface Target {
  /** Where it is, for people and logs: without credentials. */
  readonly location: string;

  /** What the gate knows the far side by: a service of the catalogue, or a host. */
  readonly service: string;

  /** How many calls at once make sense; a caller may do more or less. */
  readonly connections: number;

  /**
   * Makes room for a new repository (folders, a bucket's prefix). Called once before the first
   * put of `init`; succeeds when the room is there already.
   */
  prepare(): Promise<void>;

  /**
   * Every whole object of a kind with its size, in no order. What is not an object (a name that is
   * not 64 hexadecimal digits, a write that is under way or was broken off) is left out. A kind
   * that has never been written gives an empty list. `config` is not listed: use `stat`.
   */
  list(kind: Exclude<ObjectKind, 'config'>): Promise<readonly ObjectInfo[]>;

  /** Size in bytes, or `undefined` when there is no such object. */
  stat(ref: ObjectRef): Promise<number | undefined>;

  /**
   * The whole object in memory of its own.
   * @param limit bytes; a larger object is refused before it is in memory
   * @throws {TargetError} `absent`, `oversize`
   */
  load(ref: ObjectRef, limit: number): Promise<Uint8Array>;

  /**
   * `length` bytes from `offset`: exactly that many, in memory of its own.
   * @throws {TargetError} `absent`; `short` when the object ends before
   */
  read(ref: ObjectRef, offset: number, length: number): Promise<Uint8Array>;

  /**
   * Writes an object once, whole or not at all: no reader and no listing ever sees a part of it,
   * also not after a crash of either side. When it returns, the object survives a power loss as
   * far as the far side can promise that. The caller has made sure that `ref.name` is the SHA-256
   * of `body` and does not change `body` until the call is over; a far side that checks may use it.
   * @throws {TargetError} `exists` when the name is taken, leaving what is there as it was
   */
  put(ref: ObjectRef, body: ObjectBody): Promise<void>;

  /**
   * Removes an object; one that is not there is a success (an answer may have been lost).
   * @throws {TargetError} `denied` when the far side only takes additions
   */
  remove(ref: ObjectRef): Promise<void>;

  /** Ends connections and calls under way. Further calls fail. May be called twice. */
  close(): Promise<void>;
}

/** A further power of targets that can be left with half-written objects: sweeping them up. */
export interface Sweeping {
  /** Removes writes that were broken off before `before` (ms since 1970); how many there were. */
  sweep(before: number): Promise<number>;
}

/** Whether a target has leftovers that can be swept. */
export function sweeps(target: Target): target is Target & Sweeping {
  return 'sweep' in target;
}

const NAME = /^[0-9a-f]{64}$/;

/** Whether a name is that of an object: SHA-256 in lower-case hexadecimal. */
export function isObjectName(name: string): boolean {
  return NAME.test(name);
}

/** @throws {TargetError} `broken` when a reference could not be that of an object */
export function checkRef({ kind, name }: ObjectRef): void {
  if (kind === 'config' ? name !== '' : !isObjectName(name)) {
    throw new TargetError('broken', `there can be no object of kind ${kind} with this name`, {
      duty: 'internal',
    });
  }
}

/** How many bytes a body has. */
export function bodyLength(body: ObjectBody): number {
  let length = 0;
  for (const part of body) length += part.length;
  return length;
}

/** `keys/0123abcd…`, short enough for a message. */
export function shortRef({ kind, name }: ObjectRef): string {
  return kind === 'config' ? 'config' : `${kind}/${name.slice(0, 12)}`;
}

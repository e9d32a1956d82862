import type { Hash } from 'node:crypto';
import type {
  ActiveOperation,
  Caller,
  KeysService,
  ObjectId,
  PartedOperation,
  Role,
} from '../../engine/request.ts';
import { CKA } from '../../engine/pkcs11.ts';
import { ReturnValue } from './return-value.ts';

/** Bytes that one application may have collected in multi-part operations. */
const MAX_COLLECTED = 16 << 20;
const MAX_SESSIONS = 256;
/** Objects that one application's searches may hold at a time. */
const MAX_FOUND = 200_000;

/** An operation with a key, between its Init and its end. */
export interface KeyOperation {
  readonly active: ActiveOperation;
  /** C_Sign and its like were called, and only told a length: no parts may follow (v3.1, 5.8.2). */
  whole: boolean;
  /** The operation in parts, once it was begun so and its scheme can work on them as they come. */
  running: PartedOperation | undefined;
  /** What C_…Update brought, copied, where it has to be collected. */
  parts: Uint8Array[] | undefined;
  length: number;
  /** The result, once it was computed and the client's buffer was too small for it. */
  result: Uint8Array | undefined;
  /** Whether the result is being waited for: another thread of the client asked for it. */
  waited: boolean;
}

export interface DigestOperation {
  readonly hash: Hash;
  readonly length: number;
  /** C_Digest was called and only told the length. */
  whole: boolean;
  updated: boolean;
}

export interface FindOperation {
  readonly found: readonly ObjectId[];
  next: number;
}

export type KeyOperationKind = 'sign' | 'verify' | 'encrypt' | 'decrypt';

/** One session: what is under way in it, and the session objects that end with it. */
export class Session {
  readonly handle: number;
  readonly readWrite: boolean;
  readonly objects: Set<ObjectId> = new Set();
  sign: KeyOperation | undefined;
  verify: KeyOperation | undefined;
  encrypt: KeyOperation | undefined;
  decrypt: KeyOperation | undefined;
  digest: DigestOperation | undefined;
  find: FindOperation | undefined;

  constructor(handle: number, readWrite: boolean) {
    this.handle = handle;
    this.readWrite = readWrite;
  }

  /** Whether an operation is under way. There is one at a time: no dual operations (v3.1, 5.1.6). */
  get busy(): boolean {
    return (
      this.sign !== undefined ||
      this.verify !== undefined ||
      this.encrypt !== undefined ||
      this.decrypt !== undefined ||
      this.digest !== undefined ||
      this.find !== undefined
    );
  }
}

/**
 * One client program, which is one connection: its login, its sessions, and its handles. Handles
 * are the application's own and are never used twice.
 */
export class Application {
  readonly service: KeysService;
  /** The version byte that the client offered. */
  readonly offeredVersion: number;
  initialised = false;
  readonly #sessions = new Map<number, Session>();
  readonly #objectOf = new Map<number, ObjectId>();
  readonly #handleOf = new Map<ObjectId, number>();
  #nextHandle = 1;
  #caller: Caller;
  #collected = 0;
  #found = 0;
  #epoch: number;

  constructor(service: KeysService, caller: Caller, offeredVersion: number) {
    this.service = service;
    this.#caller = caller;
    this.offeredVersion = offeredVersion;
    this.#epoch = service.epoch;
  }

  get caller(): Caller {
    return this.#caller;
  }

  get role(): Role {
    return this.#caller.role;
  }

  set role(role: Role) {
    this.#caller = { ...this.#caller, role };
  }

  /** Once the keys were locked away, logins, sessions and handles of before are void. */
  followEpoch(): void {
    const { epoch } = this.service;
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.forget();
  }

  /** Drops sessions, handles and login without a word to the engine. */
  forget(): void {
    for (const session of this.#sessions.values()) this.#endOperations(session);
    this.#sessions.clear();
    this.#objectOf.clear();
    this.#handleOf.clear();
    if (this.role !== 'public') this.role = 'public';
  }

  // ── Sessions ───────────────────────────────────────────────────────────────────────────────────

  get sessionCount(): number {
    return this.#sessions.size;
  }

  countSessions(readWrite: boolean): number {
    let count = 0;
    for (const session of this.#sessions.values()) if (session.readWrite === readWrite) count++;
    return count;
  }

  openSession(readWrite: boolean): Session {
    if (this.#sessions.size >= MAX_SESSIONS) throw new ReturnValue('SESSION_COUNT');
    if (!readWrite && this.role === 'security-officer') {
      throw new ReturnValue('SESSION_READ_WRITE_SO_EXISTS');
    }
    const session = new Session(this.#nextHandle++, readWrite);
    this.#sessions.set(session.handle, session);
    return session;
  }

  session(handle: number): Session {
    const session = this.#sessions.get(handle);
    if (session === undefined) throw new ReturnValue('SESSION_HANDLE_INVALID');
    return session;
  }

  /** The last session takes the login with it (PKCS#11 v3.1, 5.6.2). */
  async closeSession(session: Session): Promise<void> {
    this.#sessions.delete(session.handle);
    this.#endOperations(session);
    const owned = [...session.objects];
    if (this.#sessions.size === 0) {
      await this.#destroy(owned);
      this.forget();
      return;
    }
    await this.#destroy(owned);
  }

  async closeAllSessions(): Promise<void> {
    for (const session of this.#sessions.values()) await this.closeSession(session);
  }

  async #destroy(ids: readonly ObjectId[]): Promise<void> {
    for (const object of ids) {
      this.drop(object);
      try {
        await this.service.handle({ verb: 'destroy', object }, this.#caller);
      } catch {
        // It is gone already, or not destroyable: the end of the scope takes it.
      }
    }
  }

  /** After a logout: private session objects are destroyed, handles of private objects void. */
  async logout(): Promise<void> {
    const template = new Map([
      [CKA.TOKEN, false],
      [CKA.PRIVATE, true],
    ]);
    await this.#destroy(await this.service.handle({ verb: 'find', template }, this.#caller));
    this.role = 'public';
    for (const session of this.#sessions.values()) this.#endOperations(session);
    const visible = await this.service.handle({ verb: 'find', template: new Map() }, this.#caller);
    const kept = new Set(visible);
    for (const id of this.#handleOf.keys()) if (!kept.has(id)) this.drop(id);
  }

  // ── Handles ────────────────────────────────────────────────────────────────────────────────────

  handle(id: ObjectId): number {
    const known = this.#handleOf.get(id);
    if (known !== undefined) return known;
    const handle = this.#nextHandle++;
    this.#handleOf.set(id, handle);
    this.#objectOf.set(handle, id);
    return handle;
  }

  object(handle: number): ObjectId {
    const id = this.#objectOf.get(handle);
    if (id === undefined) throw new ReturnValue('OBJECT_HANDLE_INVALID');
    return id;
  }

  key(handle: number): ObjectId {
    const id = this.#objectOf.get(handle);
    if (id === undefined) throw new ReturnValue('KEY_HANDLE_INVALID');
    return id;
  }

  drop(id: ObjectId): void {
    const handle = this.#handleOf.get(id);
    if (handle === undefined) return;
    this.#handleOf.delete(id);
    this.#objectOf.delete(handle);
  }

  // ── Operations ─────────────────────────────────────────────────────────────────────────────────

  /** Keeps a copy of one part of a multi-part operation. */
  collect(operation: KeyOperation, part: Uint8Array): void {
    operation.parts ??= [];
    if (part.length === 0) return;
    if (this.#collected + part.length > MAX_COLLECTED) throw new ReturnValue('DATA_LEN_RANGE');
    this.#collected += part.length;
    operation.length += part.length;
    operation.parts.push(part.slice());
  }

  /** Ends an operation and wipes what it held. */
  endOperation(session: Session, kind: KeyOperationKind): void {
    const operation = session[kind];
    if (operation === undefined) return;
    session[kind] = undefined;
    if (operation.parts !== undefined) {
      this.#collected -= operation.length;
      for (const part of operation.parts) part.fill(0);
    }
    operation.result?.fill(0);
  }

  startFind(session: Session, found: readonly ObjectId[]): void {
    if (this.#found + found.length > MAX_FOUND) throw new ReturnValue('DEVICE_MEMORY');
    this.#found += found.length;
    session.find = { found, next: 0 };
  }

  endFind(session: Session): void {
    this.#found -= session.find?.found.length ?? 0;
    session.find = undefined;
  }

  #endOperations(session: Session): void {
    for (const kind of ['sign', 'verify', 'encrypt', 'decrypt'] as const) {
      this.endOperation(session, kind);
    }
    session.digest = undefined;
    this.endFind(session);
  }
}

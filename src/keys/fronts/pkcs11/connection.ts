import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { BytesError } from '../../../bytes/reader.ts';
import { DirectSocket, received } from '../../../process/direct-socket.ts';
import type { Caller, KeysService } from '../../engine/request.ts';
import { NEAR } from './attention.ts';
import type { Attended, Attention } from './attention.ts';
import { HANDLERS, READS_IN_PLACE } from './calls.ts';
import type { Crowd } from './crowd.ts';
import type { CallContext, WriteReply } from './context.ts';
import { FrameCutter } from './frame.ts';
import { dialectOf } from './mechanism-wire.ts';
import { CKR, ReturnValue, returnValueOf } from './return-value.ts';
import { Application } from './session.ts';
import type { ReplyWriter } from './wire/reply.ts';
import { RequestReader } from './wire/request.ts';
import type { CallShape } from './wire/signatures.ts';

/** The highest version of the protocol spoken here; a client gets the lower of both. */
const VERSION = 2;
/** Calls of one client that may wait for something; then it is no longer read from. */
const MAX_WAITING = 64;
/** Bytes of replies that a client may leave unread; then it is no longer read from. */
const MAX_UNSENT = 1 << 20;
/** Looks that were in vain in a row make this many chances pass at the most. */
const MAX_SKIPPED = 64;

/** What the connections of one front share. */
export interface Shared {
  readonly service: KeysService;
  readonly onFault: (call: string, kind: string) => void;
  readonly attention: Attention;
  /** Holds the replies to one chunk or to one awaited call: never those of two connections. */
  readonly writer: ReplyWriter;
  readonly crowd: Crowd;
  /** Counts the calls that wait for something, of every connection. */
  readonly waiting: { count: number };
}

/**
 * One client program. What it sends is served where it was read, and all answers to one chunk leave
 * in one write; only what must wait for something leaves later, in any order: the call code tells
 * the client which call an answer belongs to.
 */
export class Connection implements Attended {
  readonly #socket: Socket;
  readonly #direct: DirectSocket;
  readonly #shared: Shared;
  readonly #caller: Caller;
  readonly #cutter = new FrameCutter();
  readonly #reader = new RequestReader();
  #context: CallContext | undefined;
  #waiting = 0;
  #paused = false;
  #closed = false;
  /** Since when something is half there; 0 when nothing is. */
  #halfSince: number = Date.now();
  /** When it was served last, in milliseconds of the monotonic clock. */
  #servedAt = -1;
  /** Chances to look at it that are still to pass, and how many the next failure costs. */
  #skip = 0;
  #price = 1;

  constructor(
    socket: Socket,
    peer: { readonly uid: number; readonly pid: number },
    shared: Shared,
    onClose: () => void,
  ) {
    this.#socket = socket;
    this.#direct = new DirectSocket(socket);
    this.#shared = shared;
    this.#caller = {
      front: 'pkcs11',
      uid: peer.uid,
      pid: peer.pid,
      role: 'public',
      scope: `pkcs11-${randomUUID()}`,
    };
    socket.on('data', (chunk: Uint8Array) => this.#onData(chunk));
    socket.on('drain', () => this.#resume());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#closed = true;
      this.#context?.application.forget();
      shared.service.endScope(this.#caller.scope);
      onClose();
    });
  }

  end(): void {
    this.#socket.destroy();
  }

  dropIfSlow(patience: number): void {
    if (this.#halfSince > 0 && Date.now() - this.#halfSince > patience) this.#socket.destroy();
  }

  // ── Reading ────────────────────────────────────────────────────────────────────────────────────

  /** The event loop read something: the next call may be close if this one was. */
  #onData(chunk: Uint8Array): void {
    const close = performance.now() - this.#servedAt < NEAR;
    // As a plain view: a Buffer's own slice would share memory that is wiped later.
    this.#take(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length), chunk.length);
    this.#servedAt = performance.now();
    if (!close || this.#closed || this.#waiting > 0) return;
    if (this.#skip > 0) this.#skip--;
    else this.#shared.attention.watch(this);
  }

  attend(): boolean {
    if (this.#closed || this.#paused) return false;
    const length = this.#direct.receive();
    if (length === 0) return false;
    this.#take(received, length);
    // A PIN may have been in it.
    received.fill(0, 0, length);
    return true;
  }

  unattended(hits: number, since: number): void {
    this.#servedAt = Math.max(this.#servedAt, since);
    this.#price = hits > 0 ? 1 : Math.min(this.#price * 2, MAX_SKIPPED);
    this.#skip = hits > 0 ? 0 : this.#price;
  }

  /** Serves the whole frames in the first `length` bytes; those belong to the caller again after it. */
  #take(bytes: Uint8Array, length: number): void {
    try {
      let at = 0;
      if (this.#context === undefined) {
        this.#greet(bytes[0] ?? 0);
        at = 1;
      }
      this.#cutter.push(bytes, at, length, this.#onFrame);
    } catch (error) {
      if (!(error instanceof BytesError)) this.#shared.onFault('frame', kindOf(error));
      this.#shared.writer.clear();
      this.#socket.destroy();
      return;
    }
    this.#flush();
    if (!this.#cutter.half) this.#halfSince = 0;
    else if (this.#halfSince === 0) this.#halfSince = Date.now();
    if (this.#waiting >= MAX_WAITING || this.#socket.writableLength > MAX_UNSENT) {
      this.#paused = true;
      this.#socket.pause();
    }
  }

  /** The first byte: the highest version that the client knows. */
  #greet(offered: number): void {
    this.#context = {
      application: new Application(this.#shared.service, this.#caller, offered),
      reader: this.#reader,
      writer: this.#shared.writer,
      dialect: dialectOf(offered),
      guess: { bare: false, made: false },
      crowd: this.#shared.crowd,
    };
    this.#shared.writer.byte(Math.min(offered, VERSION));
  }

  // ── Serving ────────────────────────────────────────────────────────────────────────────────────

  readonly #onFrame = (code: number, bytes: Uint8Array, start: number, end: number): void => {
    const context = this.#context;
    if (context === undefined) return;
    const { writer } = this.#shared;
    this.#reader.reset(bytes, start, end);
    const shape = this.#reader.call();
    if (!READS_IN_PLACE.has(shape.name)) this.#reader.keep();
    writer.begin(code, shape);
    let later: Promise<WriteReply> | undefined;
    try {
      later = this.#serve(context, shape);
    } catch (error) {
      writer.rewind();
      if (error instanceof BytesError) throw error;
      writer.error(code, this.#returnValue(shape, error));
      return;
    }
    if (later === undefined) {
      writer.end();
      return;
    }
    writer.rewind();
    this.#waitFor(code, shape, later);
  };

  #serve(context: CallContext, shape: CallShape): Promise<WriteReply> | undefined {
    const { application, guess } = context;
    application.followEpoch();
    if (!application.initialised && shape.name !== 'Initialize') {
      throw new ReturnValue('CRYPTOKI_NOT_INITIALIZED');
    }
    const handler = HANDLERS[shape.id];
    if (handler === undefined) throw new BytesError('there is no such call');
    guess.made = false;
    const mark = this.#reader.mark();
    try {
      return handler(context);
    } catch (error) {
      // Arguments are read before anything is done: they may be read again, in the other form.
      if (!(error instanceof BytesError) || !guess.made) throw error;
      this.#reader.backTo(mark);
      guess.bare = true;
      try {
        return handler(context);
      } finally {
        guess.bare = false;
      }
    }
  }

  #waitFor(code: number, shape: CallShape, later: Promise<WriteReply>): void {
    this.#count(1);
    const answer = (write: (writer: ReplyWriter) => void): void => {
      this.#count(-1);
      if (this.#closed) {
        // What was made meanwhile for a client that is gone.
        this.#shared.service.endScope(this.#caller.scope);
        return;
      }
      write(this.#shared.writer);
      this.#flush();
      this.#resume();
    };
    later.then(
      (writeReply) =>
        answer((writer) => {
          writer.begin(code, shape);
          writeReply(writer);
          writer.end();
        }),
      (error: unknown) => answer((writer) => writer.error(code, this.#returnValue(shape, error))),
    );
  }

  #count(change: 1 | -1): void {
    this.#waiting += change;
    this.#shared.waiting.count += change;
  }

  #returnValue(shape: CallShape, error: unknown): number {
    const value = returnValueOf(error);
    if (value !== undefined) return value;
    this.#shared.onFault(`C_${shape.name}`, kindOf(error));
    return CKR.GENERAL_ERROR;
  }

  // ── Writing ────────────────────────────────────────────────────────────────────────────────────

  #flush(): void {
    const { writer } = this.#shared;
    const { length } = writer;
    if (length > 0 && !this.#closed) {
      const sent = writer.usual ? this.#direct.send(length) : 0;
      if (sent < length) this.#socket.write(writer.copyFrom(sent));
    }
    writer.clear();
  }

  #resume(): void {
    if (this.#waiting < MAX_WAITING && this.#socket.writableLength <= MAX_UNSENT) {
      this.#paused = false;
      this.#socket.resume();
    }
  }
}

/** The kind of an error, never its message: that may quote data. */
function kindOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

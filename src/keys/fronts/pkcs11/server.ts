import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { BytesError } from '../../../bytes/reader.ts';
import type { Caller, KeysService } from '../../engine/request.ts';
import { HANDLERS } from './calls.ts';
import type { CallContext, WriteReply } from './context.ts';
import { FrameCutter } from './frame.ts';
import { dialectOf } from './mechanism-wire.ts';
import { CKR, ReturnValue, returnValueOf } from './return-value.ts';
import { Application } from './session.ts';
import { ReplyWriter } from './wire/reply.ts';
import { RequestReader } from './wire/request.ts';
import type { CallShape } from './wire/signatures.ts';

export interface Pkcs11FrontOptions {
  readonly service: KeysService;
  readonly identify: (socket: Socket) => { readonly uid: number; readonly pid: number } | undefined;
  /** The user whose programs may connect. */
  readonly uid: number;
  /** Told of what should not happen, without data: the name of a call and the kind of error. */
  readonly onFault: (call: string, kind: string) => void;
  /** Milliseconds that a client may take for the first byte, or for the rest of a torn frame. */
  readonly patience?: number;
}

/** The highest version of the protocol spoken here; a client gets the lower of both. */
const VERSION = 2;
const MAX_CONNECTIONS = 128;
/** Calls of one client that may wait for something; then it is no longer read from. */
const MAX_WAITING = 64;
/** Bytes of replies that a client may leave unread; then it is no longer read from. */
const MAX_UNSENT = 1 << 20;
const PATIENCE = 10_000;

/**
 * Serves the p11-kit RPC protocol, so that the stock `p11-kit-client.so` is the PKCS#11 module. A
 * client that sends rubbish, stops half way, or names a length over the limits loses its
 * connection; nobody else notices.
 */
export class Pkcs11Front {
  readonly #options: Pkcs11FrontOptions;
  readonly #connections = new Set<Connection>();
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: Pkcs11FrontOptions) {
    this.#options = options;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Ends every connection. */
  close(): void {
    for (const connection of this.#connections) connection.end();
  }

  /** Takes over an accepted socket. */
  serve(socket: Socket): void {
    const peer = this.#options.identify(socket);
    const mine = peer !== undefined && (peer.uid === this.#options.uid || peer.uid === 0);
    if (!mine || this.#connections.size >= MAX_CONNECTIONS) {
      socket.destroy();
      return;
    }
    const patience = this.#options.patience ?? PATIENCE;
    const connection = new Connection(socket, peer, this.#options, () => {
      this.#connections.delete(connection);
      if (this.#connections.size > 0) return;
      clearInterval(this.#sweep);
      this.#sweep = undefined;
    });
    this.#connections.add(connection);
    this.#sweep ??= setInterval(
      () => {
        for (const each of this.#connections) each.dropIfSlow(patience);
      },
      Math.max(10, patience / 4),
    ).unref();
  }
}

class Connection {
  readonly #socket: Socket;
  readonly #options: Pkcs11FrontOptions;
  readonly #caller: Caller;
  readonly #cutter = new FrameCutter();
  readonly #reader = new RequestReader();
  readonly #writer = new ReplyWriter();
  #context: CallContext | undefined;
  #waiting = 0;
  #closed = false;
  /** Since when something is half there; 0 when nothing is. */
  #halfSince: number = Date.now();

  constructor(
    socket: Socket,
    peer: { readonly uid: number; readonly pid: number },
    options: Pkcs11FrontOptions,
    onClose: () => void,
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#caller = {
      front: 'pkcs11',
      uid: peer.uid,
      pid: peer.pid,
      role: 'public',
      scope: `pkcs11-${randomUUID()}`,
    };
    socket.on('data', (chunk: Uint8Array) => {
      // As a plain view: a Buffer's own slice would share memory that is wiped later.
      this.#onData(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
    });
    socket.on('drain', () => this.#resume());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#closed = true;
      this.#context?.application.forget();
      options.service.endScope(this.#caller.scope);
      onClose();
    });
  }

  end(): void {
    this.#socket.destroy();
  }

  dropIfSlow(patience: number): void {
    if (this.#halfSince > 0 && Date.now() - this.#halfSince > patience) this.#socket.destroy();
  }

  #onData(chunk: Uint8Array): void {
    try {
      if (this.#context === undefined) this.#greet(chunk);
      else this.#cutter.push(chunk, this.#onFrame);
    } catch (error) {
      if (!(error instanceof BytesError)) this.#options.onFault('frame', kindOf(error));
      this.#socket.destroy();
      return;
    }
    this.#flush();
    if (!this.#cutter.half) this.#halfSince = 0;
    else if (this.#halfSince === 0) this.#halfSince = Date.now();
    if (this.#waiting >= MAX_WAITING || this.#socket.writableLength > MAX_UNSENT) {
      this.#socket.pause();
    }
  }

  /** The first byte: the highest version that the client knows. */
  #greet(chunk: Uint8Array): void {
    const offered = chunk[0] ?? 0;
    this.#context = {
      application: new Application(this.#options.service, this.#caller, offered),
      reader: this.#reader,
      writer: this.#writer,
      dialect: dialectOf(offered),
      guess: { bare: false, made: false },
    };
    this.#writer.byte(Math.min(offered, VERSION));
    this.#cutter.push(chunk.subarray(1), this.#onFrame);
  }

  readonly #onFrame = (code: number, bytes: Uint8Array, start: number, end: number): void => {
    const context = this.#context;
    if (context === undefined) return;
    this.#reader.reset(bytes, start, end);
    const shape = this.#reader.call();
    const mark = this.#reader.mark();
    this.#writer.begin(code, shape);
    let later: Promise<WriteReply> | undefined;
    try {
      later = this.#serve(context, shape, mark);
    } catch (error) {
      this.#writer.rewind();
      if (error instanceof BytesError) throw error;
      this.#writer.error(code, this.#returnValue(shape, error));
      return;
    }
    if (later === undefined) {
      this.#writer.end();
      return;
    }
    this.#writer.rewind();
    this.#waitFor(code, shape, later);
  };

  #serve(context: CallContext, shape: CallShape, mark: number): Promise<WriteReply> | undefined {
    const { application, guess } = context;
    application.followEpoch();
    if (!application.initialised && shape.name !== 'Initialize') {
      throw new ReturnValue('CRYPTOKI_NOT_INITIALIZED');
    }
    const handler = HANDLERS[shape.id];
    if (handler === undefined) throw new BytesError('there is no such call');
    guess.made = false;
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
    this.#waiting++;
    const answer = (write: () => void): void => {
      this.#waiting--;
      if (this.#closed) {
        // What was made meanwhile for a client that is gone.
        this.#options.service.endScope(this.#caller.scope);
        return;
      }
      write();
      this.#flush();
      this.#resume();
    };
    later.then(
      (writeReply) =>
        answer(() => {
          this.#writer.begin(code, shape);
          writeReply(this.#writer);
          this.#writer.end();
        }),
      (error: unknown) => answer(() => this.#writer.error(code, this.#returnValue(shape, error))),
    );
  }

  #returnValue(shape: CallShape, error: unknown): number {
    const value = returnValueOf(error);
    if (value !== undefined) return value;
    this.#options.onFault(`C_${shape.name}`, kindOf(error));
    return CKR.GENERAL_ERROR;
  }

  #flush(): void {
    const writer = this.#writer;
    if (writer.length === 0 || this.#closed) return;
    this.#socket.write(writer.written());
    // Most writes are done at once; only what the kernel did not take keeps its memory.
    writer.clear(this.#socket.writableLength === 0);
  }

  #resume(): void {
    if (this.#waiting < MAX_WAITING && this.#socket.writableLength <= MAX_UNSENT) {
      this.#socket.resume();
    }
  }
}

/** The kind of an error, never its message: that may quote data. */
function kindOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

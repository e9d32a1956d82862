import type { Socket } from 'node:net';
import { sending } from '../../../process/direct-socket.ts';
import type { KeysService } from '../../engine/request.ts';
import { Attention } from './attention.ts';
import { Connection } from './connection.ts';
import type { Shared } from './connection.ts';
import { Crowd } from './crowd.ts';
import { ReplyWriter } from './wire/reply.ts';

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

const MAX_CONNECTIONS = 128;
const PATIENCE = 10_000;

/**
 * Serves the p11-kit RPC protocol, so that the stock `p11-kit-client.so` is the PKCS#11 module. A
 * client that sends rubbish, stops half way, or names a length over the limits loses its
 * connection; nobody else notices.
 */
export class Pkcs11Front {
  readonly #options: Pkcs11FrontOptions;
  readonly #connections = new Set<Connection>();
  readonly #shared: Shared;
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: Pkcs11FrontOptions) {
    this.#options = options;
    const waiting = { count: 0 };
    this.#shared = {
      service: options.service,
      onFault: options.onFault,
      attention: new Attention(() => waiting.count === 0),
      writer: new ReplyWriter(sending),
      crowd: new Crowd(() => waiting.count > 0),
      waiting,
    };
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
    const connection = new Connection(socket, peer, this.#shared, () => {
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

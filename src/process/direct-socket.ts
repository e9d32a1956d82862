import type { Socket } from 'node:net';
import { dlopen, getRawPointer } from 'node:ffi';
import { handleOf } from './descriptor.ts';
import type { Handle } from './descriptor.ts';

/**
 * Reading from and writing to a connected socket without the event loop in between: one system call
 * each, no memory allocated. The event loop goes on watching the socket: it wakes the process, it
 * takes what does not fit at once, and it alone notices that a peer went away.
 *
 * Memory: both regions below live as long as the process, never move (an ArrayBuffer of this size is
 * off the JavaScript heap) and are not resizable, so their addresses stay true; the kernel is never
 * given a length over theirs. Descriptors: each call asks the socket's handle for its descriptor
 * anew, and a handle that was closed has none, so a number that the kernel has given to another
 * file meanwhile is never used. The calls do not block (MSG_DONTWAIT) and raise no signal
 * (MSG_NOSIGNAL).
 */
const library = dlopen('libc.so.6', {
  recv: { arguments: ['i32', 'u64', 'u64', 'i32'], return: 'i32' },
  send: { arguments: ['i32', 'u64', 'u64', 'i32'], return: 'i32' },
});

const SIZE = 64 * 1024;
const incoming = new ArrayBuffer(SIZE);
const outgoing = new ArrayBuffer(SIZE);
const incomingAddress = getRawPointer(incoming);
const outgoingAddress = getRawPointer(outgoing);
const SIZE_T = BigInt(SIZE);

const RECEIVE_FLAGS = 0x40; // MSG_DONTWAIT
const SEND_FLAGS = 0x40 | 0x4000; // MSG_DONTWAIT, MSG_NOSIGNAL

/** Where `receive` puts what it reads: to be used before the next one, and wiped. */
export const received: Uint8Array = new Uint8Array(incoming);

/** Where `send` takes what it writes from. */
export const sending: Uint8Array = new Uint8Array(outgoing);

/** The direct way to one socket, beside its stream. */
export class DirectSocket {
  readonly #socket: Socket;
  readonly #handle: Handle | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#handle = handleOf(socket);
  }

  /**
   * Reads what the peer has sent into `received`.
   * @returns how many bytes; 0 when there are none now, or when the connection is over: the event
   * loop tells which
   */
  receive(): number {
    const fd = this.#handle?.fd ?? -1;
    // What the stream still holds came first.
    if (fd < 0 || this.#socket.readableLength > 0) return 0;
    return Math.max(0, library.functions.recv(fd, incomingAddress, SIZE_T, RECEIVE_FLAGS));
  }

  /**
   * Writes the first `length` bytes of `sending`.
   * @returns how many bytes the kernel took; the rest must go through the stream
   */
  send(length: number): number {
    const fd = this.#handle?.fd ?? -1;
    // What the stream has not written yet goes first.
    if (fd < 0 || this.#socket.writableLength > 0 || length > SIZE) return 0;
    return Math.max(0, library.functions.send(fd, outgoingAddress, BigInt(length), SEND_FLAGS));
  }
}

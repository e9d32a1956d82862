import type { Socket } from 'node:net';
import { handleOf } from './descriptor.ts';
import { peerOf } from './libc.ts';

/** The process at the other end of a UNIX socket, as the kernel recorded it when it connected. */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
}

/**
 * Who connected to this UNIX socket.
 * @returns `undefined` when the kernel does not tell: the caller must refuse the connection
 */
export function peerCredentials(socket: Socket): Peer | undefined {
  const fd = handleOf(socket)?.fd ?? -1;
  const found = fd < 0 ? undefined : peerOf(fd);
  return found === undefined ? undefined : { pid: found.pid, uid: found.uid };
}

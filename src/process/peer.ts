import type { Socket } from 'node:net';
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
  // Node has no public way to a socket's descriptor; the handle's `fd` is what its own code uses.
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return undefined;
  const fd: unknown = Reflect.get(handle, 'fd');
  if (typeof fd !== 'number' || fd < 0) return undefined;
  const found = peerOf(fd);
  return found === undefined ? undefined : { pid: found.pid, uid: found.uid };
}

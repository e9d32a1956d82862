import type { Socket } from 'node:net';

/**
 * The descriptor of a connected socket, or `undefined` once it is closed. Node has no public way to
 * it; the handle's `fd` is what its own code uses.
 */
export function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return undefined;
  const fd: unknown = Reflect.get(handle, 'fd');
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}

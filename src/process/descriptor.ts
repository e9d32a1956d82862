import type { Socket } from 'node:net';

/** What Node keeps of an open descriptor; `fd` is negative once it is closed. */
export interface Handle {
  readonly fd: number;
}

function isHandle(value: unknown): value is Handle {
  return (
    typeof value === 'object' && value !== null && 'fd' in value && typeof value.fd === 'number'
  );
}

/**
 * The handle of a connected socket, or `undefined` when it has none any more. Node has no public way
 * to it; its own code reads the same `fd`.
 */
export function handleOf(socket: Socket): Handle | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  return isHandle(handle) ? handle : undefined;
}

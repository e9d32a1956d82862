import type { Socket } from 'node:net';
import { BytesError } from '../../../bytes/reader.ts';
import { FrameSplitter } from '../client/frame.ts';
import type { SshAgent } from './agent.ts';
import { MAX_MESSAGE } from './frame.ts';

export interface AgentFrontOptions {
  readonly agent: SshAgent;
  readonly identify: (socket: Socket) => { readonly uid: number; readonly pid: number } | undefined;
  /** The user whose programs may connect. */
  readonly uid: number;
  /** Told the kind of an error that no message should be able to cause. */
  readonly onFault?: (kind: string) => void;
}

/** Requests that may wait on one connection; a client that sends more without reading loses it. */
const MAX_WAITING = 64;

/**
 * Serves one connection of the ssh-agent protocol. Requests are answered in order; a peer that sends
 * rubbish loses its connection, and nobody else notices.
 */
export function serveAgent(socket: Socket, options: AgentFrontOptions): void {
  const peer = options.identify(socket);
  if (peer === undefined || (peer.uid !== options.uid && peer.uid !== 0)) {
    socket.destroy();
    return;
  }
  const connection = options.agent.connection(peer);
  const splitter = new FrameSplitter(MAX_MESSAGE);
  let waiting = 0;
  let queue = Promise.resolve();
  const serve = async (request: Uint8Array): Promise<void> => {
    if (socket.destroyed) return;
    const reply = await options.agent.answer(request, connection);
    waiting--;
    if (socket.writable) socket.write(reply);
  };
  const lose = (error: unknown): void => {
    socket.destroy();
    if (error instanceof BytesError) return;
    options.onFault?.(error instanceof Error ? error.name : typeof error);
  };
  socket.on('data', (chunk: Uint8Array) => {
    try {
      for (const request of splitter.push(chunk)) {
        waiting++;
        if (waiting > MAX_WAITING) throw new RangeError('too many requests');
        queue = queue.then(() => serve(request)).catch(lose);
      }
    } catch {
      socket.destroy();
    }
  });
  socket.on('error', () => socket.destroy());
}

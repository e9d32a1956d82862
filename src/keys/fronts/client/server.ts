import type { Socket } from 'node:net';
import { randomUUID } from 'node:crypto';
import { StrongroomError } from '../../../errors.ts';
import type { Template } from '../../engine/attribute.ts';
import type { Caller, KeysService } from '../../engine/request.ts';
import { isSecret } from '../../engine/template.ts';
import { FrameSplitter, decodeFrame, encodeFrame } from './frame.ts';
import type { FrameValue } from './frame.ts';
import { parseRequest, recordOf } from './parse.ts';

/** Calls beside the engine's requests (`status`, `unlock`, …), by name. */
export type ControlCalls = Readonly<
  Record<string, (body: FrameValue, caller: Caller) => FrameValue | Promise<FrameValue>>
>;

export interface ClientFrontOptions {
  readonly service: KeysService;
  readonly calls: ControlCalls;
  readonly identify: (socket: Socket) => { readonly uid: number; readonly pid: number } | undefined;
  /** The user whose programs may connect. */
  readonly uid: number;
}

/** Answers that a connection may have waiting before it is no longer read from. */
const MAX_PENDING = 64;

/**
 * Serves one connection of the strongroom's own protocol. A peer that sends rubbish loses its
 * connection; nobody else notices.
 */
export function serveClient(socket: Socket, options: ClientFrontOptions): void {
  const peer = options.identify(socket);
  if (peer === undefined || (peer.uid !== options.uid && peer.uid !== 0)) {
    socket.destroy();
    return;
  }
  const caller: Caller = {
    front: 'client',
    uid: peer.uid,
    pid: peer.pid,
    role: 'user',
    scope: `client-${randomUUID()}`,
  };
  const splitter = new FrameSplitter();
  let pending = 0;

  const respond = (value: FrameValue): void => {
    pending--;
    if (pending < MAX_PENDING) socket.resume();
    if (socket.writable) socket.write(encodeFrame(value));
  };
  const serve = async (frame: Uint8Array): Promise<void> => {
    const { id, call, body } = recordOf(decodeFrame(frame), 'message');
    // The values were copied out of it; among them may be a PIN or a key on its way in.
    frame.fill(0);
    if (typeof id !== 'number' || typeof call !== 'string') {
      throw new StrongroomError('ARGUMENTS_BAD', 'a message needs an id and a call');
    }
    try {
      respond({ id, ok: await dispatch(call, body, caller, options) });
    } catch (error) {
      respond({ id, error: describe(error) });
    }
  };
  socket.on('data', (chunk: Uint8Array) => {
    try {
      for (const frame of splitter.push(chunk)) {
        pending++;
        serve(frame).catch(() => socket.destroy());
      }
      if (pending >= MAX_PENDING) socket.pause();
    } catch {
      socket.destroy();
    }
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => options.service.endScope(caller.scope));
}

async function dispatch(
  call: string,
  body: FrameValue,
  caller: Caller,
  options: ClientFrontOptions,
): Promise<FrameValue> {
  if (call === 'handle') {
    const request = parseRequest(body);
    try {
      // Replies are plain data of the engine's own types.
      if (request.verb !== 'sign') return await options.service.handle(request, caller);
      const signing = options.service.begin(request, caller);
      return await (signing.elsewhere?.(request.data) ?? signing.whole(request.data));
    } finally {
      if (request.verb === 'create') wipeSecrets(request.template);
    }
  }
  const control = Object.hasOwn(options.calls, call) ? options.calls[call] : undefined;
  if (control === undefined) {
    throw new StrongroomError('ARGUMENTS_BAD', 'there is no such call', {
      mend: 'the program and the running strongroom are of different versions: restart it',
    });
  }
  return await control(body, caller);
}

/** The private or secret values of an import, once they are a key object. */
function wipeSecrets(template: Template): void {
  for (const [type, value] of template) {
    if (value instanceof Uint8Array && isSecret(template, type)) value.fill(0);
  }
}

function describe(error: unknown): FrameValue {
  if (error instanceof StrongroomError) {
    return { code: error.code, message: error.message, duty: error.duty, mend: error.mend };
  }
  // What was thrown may quote data: only that something failed goes out.
  return { code: 'INTERNAL', message: 'the key process met an internal error', duty: 'internal' };
}

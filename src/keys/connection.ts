import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { StrongroomError } from '../errors.ts';
import type { Duty } from '../errors.ts';
import { KeysError, isKeysErrorCode } from './errors.ts';
import { FrameSplitter, decodeFrame, encodeFrame } from './fronts/client/frame.ts';
import type { FrameValue } from './fronts/client/frame.ts';
import { recordOf } from './fronts/client/parse.ts';

/** A call on its way: its answer, or why there is none. */
interface Waiting {
  readonly resolve: (value: FrameValue) => void;
  readonly reject: (error: Error) => void;
}

/** A connection to `keys.sock`; calls may overlap. */
export interface Connection {
  send(call: string, body: FrameValue): Promise<FrameValue>;
  close(): void;
}

/**
 * Connects to a socket of the key process. When that process is started again, the next call
 * connects anew: session objects of before are gone, calls under way have failed.
 * @throws {StrongroomError} KEYS_NOT_RUNNING when nobody listens there
 */
export async function openConnection(path: string): Promise<Connection> {
  let current: OpenSocket | undefined = await openSocket(path);
  let opening: Promise<OpenSocket> | undefined;
  let closed = false;
  const usable = async (): Promise<OpenSocket> => {
    if (closed) throw gone(undefined);
    if (current !== undefined && !current.ended()) return current;
    opening ??= openSocket(path).finally(() => {
      opening = undefined;
    });
    current = await opening;
    if (closed) current.end();
    return current;
  };
  return {
    send: async (call, body) => await (await usable()).send(call, body),
    close() {
      closed = true;
      current?.end();
    },
  };
}

interface OpenSocket {
  send(call: string, body: FrameValue): Promise<FrameValue>;
  ended(): boolean;
  end(): void;
}

async function openSocket(path: string): Promise<OpenSocket> {
  const socket = await open(path);
  const waiting = new Map<number, Waiting>();
  const splitter = new FrameSplitter();
  let next = 1;
  let ended: Error | undefined;
  const fail = (error: Error): void => {
    ended ??= error;
    for (const each of waiting.values()) each.reject(error);
    waiting.clear();
  };
  socket.on('data', (chunk: Uint8Array) => {
    try {
      for (const frame of splitter.push(chunk)) answer(decodeFrame(frame), waiting);
    } catch (error) {
      fail(error instanceof Error ? error : new Error('malformed answer'));
      socket.destroy();
    }
    // A connection on which nothing is awaited keeps no program running.
    if (waiting.size === 0) socket.unref();
  });
  socket.on('error', (error) => fail(gone(error)));
  socket.on('close', () => fail(gone(undefined)));
  return {
    send: (call, body) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) {
          reject(ended);
          return;
        }
        const id = next++;
        const frame = encodeFrame({ id, call, body });
        waiting.set(id, { resolve, reject });
        socket.ref();
        // It may hold a PIN or a key on its way in.
        socket.write(frame, () => frame.fill(0));
      }),
    ended: () => ended !== undefined,
    end: () => socket.destroy(),
  };
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (error) => reject(gone(error)));
  });
}

function gone(cause: Error | undefined): StrongroomError {
  return new StrongroomError('KEYS_NOT_RUNNING', 'the strongroom is not running', {
    mend: 'start it with `strongroom up`',
    ...(cause === undefined ? {} : { cause }),
  });
}

const DUTIES: readonly Duty[] = ['usage', 'denied', 'locked', 'peer', 'operator', 'internal'];

function answer(value: FrameValue, waiting: Map<number, Waiting>): void {
  const { id, ok, error } = recordOf(value, 'answer');
  const asked = typeof id === 'number' ? waiting.get(id) : undefined;
  if (asked === undefined) return;
  waiting.delete(id as number);
  if (error === undefined) {
    asked.resolve(ok);
    return;
  }
  asked.reject(errorOf(recordOf(error, 'error')));
}

function textField(value: FrameValue): string {
  return typeof value === 'string' ? value : 'unknown';
}

function errorOf(fields: Readonly<Record<string, FrameValue>>): StrongroomError {
  const code = textField(fields['code']);
  const message = textField(fields['message']);
  const duty = DUTIES.find((each) => each === fields['duty']);
  const mend = fields['mend'];
  const options = {
    ...(duty === undefined ? {} : { duty }),
    ...(typeof mend === 'string' ? { mend } : {}),
  };
  return isKeysErrorCode(code)
    ? new KeysError(code, message, options)
    : new StrongroomError(code, message, options);
}

import type { Mechanism } from '../../engine/mechanism/mechanism.ts';
import type { Crowd } from './crowd.ts';
import type { Application, Session } from './session.ts';
import type { Dialect, Guess } from './mechanism-wire.ts';
import { readMechanism } from './mechanism-wire.ts';
import type { ReplyWriter } from './wire/reply.ts';
import type { RequestReader } from './wire/request.ts';
import type { CallName } from './wire/signatures.ts';

/** What a call works with: one for a connection's life, pointed at each request in turn. */
export interface CallContext {
  readonly application: Application;
  readonly reader: RequestReader;
  readonly writer: ReplyWriter;
  readonly dialect: Dialect;
  readonly guess: Guess;
  readonly crowd: Crowd;
}

/** Writes the arguments of a reply, once they are known. */
export type WriteReply = (writer: ReplyWriter) => void;

/**
 * Serves one call: reads every argument, acts, and writes the reply; or gives a promise of a writer
 * where something must be waited for. Errors become the CK_RV of the reply.
 * @throws {BytesError} before anything was done, when the arguments are malformed
 */
export type CallHandler = (context: CallContext) => Promise<WriteReply> | undefined;

/** Handlers by the name of their call. */
export type CallTable = Readonly<Partial<Record<CallName, CallHandler>>>;

/** An empty reply. */
export const done: WriteReply = () => undefined;

/** Writes now what is there now, else later. */
export function settle<Value>(
  value: Value | Promise<Value>,
  writer: ReplyWriter,
  write: (writer: ReplyWriter, value: Value) => void,
): Promise<WriteReply> | undefined {
  if (value instanceof Promise) {
    return value.then((settled: Value) => (later: ReplyWriter) => write(later, settled));
  }
  write(writer, value);
  return undefined;
}

/** The first argument of most calls: a session of this application. */
export function session({ application, reader }: CallContext): Session {
  return application.session(reader.ulong());
}

export function mechanism({ reader, dialect, guess }: CallContext): Mechanism | undefined {
  return readMechanism(reader, dialect, guess);
}

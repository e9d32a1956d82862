import type { ActiveOperation, PartedOperation } from '../../engine/request.ts';
import { concat } from '../../../bytes/text.ts';
import type { CallContext, CallHandler, CallTable, WriteReply } from './context.ts';
import { mechanism, session, settle } from './context.ts';
import { ReturnValue } from './return-value.ts';
import type { KeyOperation, KeyOperationKind, Session } from './session.ts';
import type { ReplyWriter } from './wire/reply.ts';
import type { Room } from './wire/request.ts';

/**
 * Sign, verify, encrypt and decrypt (PKCS#11 v3.1, 5.8 to 5.15). The parts of a multi-part operation
 * are worked on as they come where the scheme allows that, else collected for its end. A length query
 * or a buffer that is too small keeps the operation open; every other answer ends it.
 */

const NOTHING = new Uint8Array();
/** Longer signatures (RSA over 2048 bits, ML-DSA) take about a millisecond: nobody waits for those. */
const BRIEF = 256;

function init(kind: KeyOperationKind): CallHandler {
  return (context) => {
    const { application, reader } = context;
    const of = session(context);
    const by = mechanism(context);
    const handle = reader.ulong();
    reader.end();
    if (by === undefined) {
      application.endOperation(of, kind);
      return undefined;
    }
    if (of.busy) throw new ReturnValue('OPERATION_ACTIVE');
    const { service, caller } = application;
    const active = service.begin(
      { verb: kind, key: application.key(handle), mechanism: by },
      caller,
    );
    of[kind] = {
      active,
      whole: false,
      running: undefined,
      parts: undefined,
      length: 0,
      result: undefined,
      waited: false,
    };
    return undefined;
  };
}

function underWay(of: Session, kind: KeyOperationKind): KeyOperation {
  const operation = of[kind];
  if (operation === undefined) throw new ReturnValue('OPERATION_NOT_INITIALIZED');
  if (operation.waited) throw new ReturnValue('OPERATION_ACTIVE');
  return operation;
}

/** Runs `work`; whatever it throws ends the operation. */
function ending<Result>(
  { application }: CallContext,
  of: Session,
  kind: KeyOperationKind,
  work: () => Result,
): Result {
  try {
    return work();
  } catch (error) {
    application.endOperation(of, kind);
    throw error;
  }
}

/** Whether C_…Update was called. */
function inParts(operation: KeyOperation): boolean {
  return operation.parts !== undefined || operation.running !== undefined;
}

/** What was begun in parts is finished in parts. */
function beWhole(operation: KeyOperation): void {
  if (inParts(operation)) throw new ReturnValue('OPERATION_ACTIVE');
  operation.whole = true;
}

/** What was begun whole is finished whole. */
function beInParts(operation: KeyOperation): void {
  if (operation.whole) throw new ReturnValue('OPERATION_ACTIVE');
}

/** Writes a result and ends the operation, or keeps both when the client has not room for it. */
function answer(
  { application }: CallContext,
  of: Session,
  kind: KeyOperationKind,
  operation: KeyOperation,
  room: Room,
): (writer: ReplyWriter, result: Uint8Array) => void {
  return (writer, result) => {
    operation.waited = false;
    if (result.length > room.size) {
      operation.result = result;
      writer.lengthOnly(result.length);
      return;
    }
    writer.byteArray(result);
    if (of[kind] === operation) application.endOperation(of, kind);
  };
}

/** Answers with the result of a whole operation and ends it, or tells how much room it takes. */
function give(
  context: CallContext,
  of: Session,
  kind: KeyOperationKind,
  operation: KeyOperation,
  data: Uint8Array,
  room: Room,
): Promise<WriteReply> | undefined {
  const { writer } = context;
  const { active } = operation;
  const bound = active.outputBound(data.length);
  if (room.query || (active.exactBound && room.size < bound)) {
    writer.lengthOnly(operation.result?.length ?? bound);
    return undefined;
  }
  const write = answer(context, of, kind, operation, room);
  if (operation.result !== undefined) {
    write(writer, operation.result);
    return undefined;
  }
  const { elsewhere } = active;
  const apart = elsewhere !== undefined && (context.crowd.joins(of) || bound > BRIEF);
  const result = apart ? elsewhere(data) : active.whole(data);
  if (!(result instanceof Promise)) {
    write(writer, result);
    return undefined;
  }
  operation.waited = true;
  return waiting(context, of, kind, operation, result).then(
    (value) => (later) => write(later, value),
  );
}

/** The end of an operation in parts: what is still to come of it. */
function finish(
  context: CallContext,
  of: Session,
  kind: KeyOperationKind,
  operation: KeyOperation,
  running: PartedOperation,
  room: Room,
): undefined {
  const { writer } = context;
  const bound = running.finishBound();
  // How much padding a decryption takes away shows only when it is done.
  if (room.query || (kind !== 'decrypt' && room.size < bound)) {
    writer.lengthOnly(operation.result?.length ?? bound);
    return undefined;
  }
  const result = operation.result ?? running.finish();
  answer(context, of, kind, operation, room)(writer, result);
}

/** A result that has to be confirmed first, or is made elsewhere: a refusal ends the operation too. */
async function waiting(
  { application }: CallContext,
  of: Session,
  kind: KeyOperationKind,
  operation: KeyOperation,
  result: Promise<Uint8Array>,
): Promise<Uint8Array> {
  try {
    return await result;
  } catch (error) {
    if (of[kind] === operation) application.endOperation(of, kind);
    throw error;
  }
}

function whole(kind: 'sign' | 'encrypt' | 'decrypt'): CallHandler {
  return (context) => {
    const { reader } = context;
    const of = session(context);
    const data = reader.byteArray();
    const room = reader.room();
    reader.end();
    const operation = underWay(of, kind);
    return ending(context, of, kind, () => {
      if (data === undefined) throw new ReturnValue('ARGUMENTS_BAD');
      beWhole(operation);
      return give(context, of, kind, operation, data, room);
    });
  };
}

/** The operation as it takes parts: begun so at the first of them. */
function begun(operation: KeyOperation): PartedOperation | undefined {
  beInParts(operation);
  // C_…Final gave a result that had no room: no part comes behind it.
  if (operation.result !== undefined) throw new ReturnValue('OPERATION_ACTIVE');
  if (!inParts(operation)) operation.running = operation.active.inParts();
  return operation.running;
}

/** C_SignUpdate and C_VerifyUpdate. */
function update(kind: 'sign' | 'verify'): CallHandler {
  return (context) => {
    const of = session(context);
    const part = context.reader.byteArray();
    context.reader.end();
    const operation = underWay(of, kind);
    return ending(context, of, kind, () => {
      if (part === undefined) throw new ReturnValue('ARGUMENTS_BAD');
      const running = begun(operation);
      if (running === undefined) context.application.collect(operation, part);
      else running.update(part);
      return undefined;
    });
  };
}

/** C_EncryptUpdate and C_DecryptUpdate. */
function updateCipher(kind: 'encrypt' | 'decrypt'): CallHandler {
  return (context) => {
    const of = session(context);
    const { reader, writer } = context;
    const part = reader.byteArray();
    const room = reader.room();
    reader.end();
    const operation = underWay(of, kind);
    return ending(context, of, kind, () => {
      if (part === undefined) throw new ReturnValue('ARGUMENTS_BAD');
      const running = begun(operation);
      if (running === undefined) {
        // From clients of version 0 a buffer of no size looks like a query: nothing comes of either,
        // but only a call that is no query may take the part.
        if (!room.query) context.application.collect(operation, part);
        writer.byteArray(NOTHING);
        return undefined;
      }
      const length = running.updateLength(part.length);
      if (room.query || room.size < length) writer.lengthOnly(length);
      else writer.byteArray(running.update(part));
      return undefined;
    });
  };
}

function joined(operation: KeyOperation): Uint8Array {
  const { parts } = operation;
  if (parts === undefined || parts.length === 0) return NOTHING;
  return parts.length === 1 ? (parts[0] as Uint8Array) : concat(...parts);
}

function final(kind: 'sign' | 'encrypt' | 'decrypt'): CallHandler {
  return (context) => {
    const { reader } = context;
    const of = session(context);
    const room = reader.room();
    reader.end();
    const operation = underWay(of, kind);
    return ending(context, of, kind, () => {
      beInParts(operation);
      const { running } = operation;
      return running === undefined
        ? give(context, of, kind, operation, joined(operation), room)
        : finish(context, of, kind, operation, running, room);
    });
  };
}

/** A verification ends the operation whatever comes of it. */
function check(
  { application, writer }: CallContext,
  of: Session,
  active: ActiveOperation,
  data: Uint8Array,
  signature: Uint8Array,
): Promise<WriteReply> | undefined {
  try {
    return settle(active.whole(data, signature), writer, () => undefined);
  } finally {
    application.endOperation(of, 'verify');
  }
}

const verify: CallHandler = (context) => {
  const { reader } = context;
  const of = session(context);
  const data = reader.byteArray();
  const signature = reader.byteArray();
  reader.end();
  const operation = underWay(of, 'verify');
  return ending(context, of, 'verify', () => {
    if (data === undefined || signature === undefined) throw new ReturnValue('ARGUMENTS_BAD');
    beWhole(operation);
    return check(context, of, operation.active, data, signature);
  });
};

const verifyFinal: CallHandler = (context) => {
  const { reader } = context;
  const of = session(context);
  const signature = reader.byteArray();
  reader.end();
  const operation = underWay(of, 'verify');
  return ending(context, of, 'verify', () => {
    if (signature === undefined) throw new ReturnValue('ARGUMENTS_BAD');
    beInParts(operation);
    const { running } = operation;
    if (running === undefined) {
      return check(context, of, operation.active, joined(operation), signature);
    }
    running.finish(signature);
    context.application.endOperation(of, 'verify');
    return undefined;
  });
};

export const keyCalls: CallTable = {
  SignInit: init('sign'),
  Sign: whole('sign'),
  SignUpdate: update('sign'),
  SignFinal: final('sign'),
  VerifyInit: init('verify'),
  Verify: verify,
  VerifyUpdate: update('verify'),
  VerifyFinal: verifyFinal,
  EncryptInit: init('encrypt'),
  Encrypt: whole('encrypt'),
  EncryptUpdate: updateCipher('encrypt'),
  EncryptFinal: final('encrypt'),
  DecryptInit: init('decrypt'),
  Decrypt: whole('decrypt'),
  DecryptUpdate: updateCipher('decrypt'),
  DecryptFinal: final('decrypt'),
};

import { createDigest } from '../../engine/mechanism/digest.ts';
import type { CallHandler, CallTable } from './context.ts';
import { mechanism, session, settle } from './context.ts';
import { ReturnValue } from './return-value.ts';

/** Digests and random bytes: no key, no permission (PKCS#11 v3.1, 5.12 and 5.21). */

const MAX_RANDOM = 1 << 20;

const digestInit: CallHandler = (context) => {
  const of = session(context);
  const by = mechanism(context);
  context.reader.end();
  if (by === undefined) {
    of.digest = undefined;
    return undefined;
  }
  if (of.busy) throw new ReturnValue('OPERATION_ACTIVE');
  of.digest = { ...createDigest(by), whole: false, updated: false };
  return undefined;
};

const digest: CallHandler = (context) => {
  const { reader, writer } = context;
  const of = session(context);
  const data = reader.byteArray();
  const room = reader.room();
  reader.end();
  const operation = of.digest;
  if (operation === undefined) throw new ReturnValue('OPERATION_NOT_INITIALIZED');
  if (data !== undefined && !operation.updated && (room.query || room.size < operation.length)) {
    operation.whole = true;
    writer.lengthOnly(operation.length);
    return undefined;
  }
  of.digest = undefined;
  if (data === undefined) throw new ReturnValue('ARGUMENTS_BAD');
  // One that was begun in parts is finished in parts.
  if (operation.updated) throw new ReturnValue('OPERATION_ACTIVE');
  writer.byteArray(operation.hash.update(data).digest());
  return undefined;
};

const digestUpdate: CallHandler = (context) => {
  const of = session(context);
  const part = context.reader.byteArray();
  context.reader.end();
  const operation = of.digest;
  if (operation === undefined) throw new ReturnValue('OPERATION_NOT_INITIALIZED');
  if (part === undefined || operation.whole) {
    of.digest = undefined;
    throw new ReturnValue(operation.whole ? 'OPERATION_ACTIVE' : 'ARGUMENTS_BAD');
  }
  operation.updated = true;
  operation.hash.update(part);
  return undefined;
};

/** Values of keys do not leave the engine, not even into a digest. */
const digestKey: CallHandler = (context) => {
  const of = session(context);
  context.application.key(context.reader.ulong());
  context.reader.end();
  if (of.digest === undefined) throw new ReturnValue('OPERATION_NOT_INITIALIZED');
  of.digest = undefined;
  throw new ReturnValue('KEY_INDIGESTIBLE');
};

const digestFinal: CallHandler = (context) => {
  const { reader, writer } = context;
  const of = session(context);
  const room = reader.room();
  reader.end();
  const operation = of.digest;
  if (operation === undefined) throw new ReturnValue('OPERATION_NOT_INITIALIZED');
  if (operation.whole) {
    of.digest = undefined;
    throw new ReturnValue('OPERATION_ACTIVE');
  }
  if (room.query || room.size < operation.length) {
    writer.lengthOnly(operation.length);
    return undefined;
  }
  of.digest = undefined;
  writer.byteArray(operation.hash.digest());
  return undefined;
};

const seedRandom: CallHandler = (context) => {
  session(context);
  context.reader.byteArray();
  context.reader.end();
  throw new ReturnValue('RANDOM_SEED_NOT_SUPPORTED');
};

const generateRandom: CallHandler = (context) => {
  const { application, reader, writer } = context;
  session(context);
  const { size, query } = reader.room();
  reader.end();
  // A null pointer; from clients of version 0 an empty buffer looks like one.
  const nowhere = query && application.offeredVersion > 0;
  if (size > MAX_RANDOM || nowhere) throw new ReturnValue('ARGUMENTS_BAD');
  if (size === 0) {
    writer.byteArray(new Uint8Array());
    return undefined;
  }
  const random = application.service.handle({ verb: 'random', length: size }, application.caller);
  return settle(random, writer, (later, bytes) => later.byteArray(bytes));
};

export const digestCalls: CallTable = {
  DigestInit: digestInit,
  Digest: digest,
  DigestUpdate: digestUpdate,
  DigestKey: digestKey,
  DigestFinal: digestFinal,
  SeedRandom: seedRandom,
  GenerateRandom: generateRandom,
};

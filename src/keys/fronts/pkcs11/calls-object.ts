import type { AttributeReading, Template } from '../../engine/attribute.ts';
import { CKA } from '../../engine/pkcs11.ts';
import type { ObjectId } from '../../engine/request.ts';
import { isSecret } from '../../engine/template.ts';
import { lengthOf, readTemplate, readWanted, writeReadings } from './attribute-wire.ts';
import type { CallContext, CallHandler, CallTable, WriteReply } from './context.ts';
import { done, mechanism, session, settle } from './context.ts';
import { CKR, ReturnValue } from './return-value.ts';
import type { Application, Session } from './session.ts';

/** Objects: search, attributes, creation, generation, wrapping, derivation (PKCS#11 v3.1, 5.7, 5.18). */

/** A search may give this many handles at a time, whatever the client has room for. */
const MAX_PAGE = 4096;

/** Token objects are made and changed in read/write sessions only. */
function checkWritable(of: Session, ...templates: readonly Template[]): void {
  if (of.readWrite) return;
  if (templates.some((template) => template.get(CKA.TOKEN) === true)) {
    throw new ReturnValue('SESSION_READ_ONLY');
  }
}

async function isTokenObject(application: Application, object: ObjectId): Promise<boolean> {
  const types = [CKA.TOKEN];
  const [reading] = await application.service.handle(
    { verb: 'attributes', object, types },
    application.caller,
  );
  return reading !== undefined && 'value' in reading && reading.value === true;
}

async function checkObjectWritable(
  application: Application,
  of: Session,
  object: ObjectId,
): Promise<void> {
  if (!of.readWrite && (await isTokenObject(application, object))) {
    throw new ReturnValue('SESSION_READ_ONLY');
  }
}

/** Gives a new object a handle; a session object goes with the session that made it. */
async function adopt(application: Application, of: Session, id: ObjectId): Promise<number> {
  if (!(await isTokenObject(application, id))) of.objects.add(id);
  return application.handle(id);
}

function ulongReply(value: number): WriteReply {
  return (writer) => writer.ulong(value);
}

/** A reply that is the handle of what `make` makes. */
async function newHandle(
  { application }: CallContext,
  of: Session,
  make: () => ObjectId | Promise<ObjectId>,
): Promise<WriteReply> {
  return ulongReply(await adopt(application, of, await make()));
}

const createObject: CallHandler = (context) => {
  const { application, reader } = context;
  const of = session(context);
  const template = readTemplate(reader);
  reader.end();
  return newHandle(context, of, () => {
    try {
      checkWritable(of, template);
      return application.service.handle({ verb: 'create', template }, application.caller);
    } finally {
      wipeSecrets(template);
    }
  });
};

/** The values of a key stand in a template until the key is made, and no longer. */
function wipeSecrets(template: Template): void {
  for (const [type, value] of template) {
    if (value instanceof Uint8Array && isSecret(template, type)) value.fill(0);
  }
}

const copyObject: CallHandler = (context) => {
  const { application, reader } = context;
  const of = session(context);
  const object = application.object(reader.ulong());
  const template = readTemplate(reader);
  reader.end();
  checkWritable(of, template);
  const { service, caller } = application;
  return newHandle(context, of, async () => {
    if (!template.has(CKA.TOKEN)) await checkObjectWritable(application, of, object);
    return await service.handle({ verb: 'copy', object, template }, caller);
  });
};

const destroyObject: CallHandler = (context) => {
  const { application, reader } = context;
  const of = session(context);
  const object = application.object(reader.ulong());
  reader.end();
  const { service, caller } = application;
  return checkObjectWritable(application, of, object).then(async () => {
    await service.handle({ verb: 'destroy', object }, caller);
    application.drop(object);
    of.objects.delete(object);
    return done;
  });
};

const getObjectSize: CallHandler = (context) => {
  const { application, reader, writer } = context;
  session(context);
  const object = application.object(reader.ulong());
  reader.end();
  const { service, caller } = application;
  const readings = service.handle({ verb: 'attributes', object, types: [] }, caller);
  // What a client can read of it, with the head of each attribute; a secret value counts nothing.
  return settle(readings, writer, (later, value) => later.ulong(sizeOf(value)));
};

const ATTRIBUTE_HEAD = 8;

function sizeOf(readings: readonly AttributeReading[]): number {
  return readings.reduce(
    (sum, reading) => sum + ATTRIBUTE_HEAD + ('value' in reading ? lengthOf(reading.value) : 0),
    0,
  );
}

const getAttributeValue: CallHandler = (context) => {
  const { application, reader, writer } = context;
  session(context);
  const object = application.object(reader.ulong());
  const wanted = readWanted(reader);
  reader.end();
  const types = wanted.map((each) => each.type);
  if (types.length === 0) {
    writer.u32(0);
    writer.ulong(CKR.OK);
    return undefined;
  }
  const { service, caller } = application;
  const readings = service.handle({ verb: 'attributes', object, types }, caller);
  return settle(readings, writer, (later, value) => writeReadings(later, wanted, value));
};

const setAttributeValue: CallHandler = (context) => {
  const { application, reader } = context;
  const of = session(context);
  const object = application.object(reader.ulong());
  const template = readTemplate(reader);
  reader.end();
  const { service, caller } = application;
  return checkObjectWritable(application, of, object).then(async () => {
    await service.handle({ verb: 'set', object, template }, caller);
    return done;
  });
};

const findObjectsInit: CallHandler = (context) => {
  const { application, reader, writer } = context;
  const of = session(context);
  const template = readTemplate(reader);
  reader.end();
  if (of.busy) throw new ReturnValue('OPERATION_ACTIVE');
  const found = application.service.handle({ verb: 'find', template }, application.caller);
  return settle(found, writer, (_later, ids) => application.startFind(of, ids));
};

const findObjects: CallHandler = (context) => {
  const { application, reader, writer } = context;
  const { find } = session(context);
  const { size } = reader.room();
  reader.end();
  if (find === undefined) throw new ReturnValue('OPERATION_NOT_INITIALIZED');
  const page = find.found.slice(find.next, find.next + Math.min(size, MAX_PAGE));
  find.next += page.length;
  writer.ulongArray(page.map((id) => application.handle(id)));
  return undefined;
};

const findObjectsFinal: CallHandler = (context) => {
  const of = session(context);
  context.reader.end();
  if (of.find === undefined) throw new ReturnValue('OPERATION_NOT_INITIALIZED');
  context.application.endFind(of);
  return undefined;
};

/** A mechanism where the null one makes no sense. */
function presentMechanism(context: CallContext): NonNullable<ReturnType<typeof mechanism>> {
  const given = mechanism(context);
  if (given === undefined) throw new ReturnValue('ARGUMENTS_BAD');
  return given;
}

const generateKey: CallHandler = (context) => {
  const { application, reader } = context;
  const of = session(context);
  const by = presentMechanism(context);
  const template = readTemplate(reader);
  reader.end();
  checkWritable(of, template);
  return newHandle(context, of, () =>
    application.service.handle({ verb: 'generate', mechanism: by, template }, application.caller),
  );
};

const generateKeyPair: CallHandler = (context) => {
  const { application, reader } = context;
  const of = session(context);
  const by = presentMechanism(context);
  const publicTemplate = readTemplate(reader);
  const privateTemplate = readTemplate(reader);
  reader.end();
  checkWritable(of, publicTemplate, privateTemplate);
  const { service, caller } = application;
  const made = service.handle(
    { verb: 'generate-pair', mechanism: by, publicTemplate, privateTemplate },
    caller,
  );
  return Promise.resolve(made).then(async ({ publicKey, privateKey }) => {
    const first = await adopt(application, of, publicKey);
    const second = await adopt(application, of, privateKey);
    return (writer) => {
      writer.ulong(first);
      writer.ulong(second);
    };
  });
};

const wrapKey: CallHandler = (context) => {
  const { application, reader, writer } = context;
  session(context);
  const by = presentMechanism(context);
  const wrappingKey = application.key(reader.ulong());
  const key = application.key(reader.ulong());
  const room = reader.room();
  reader.end();
  const { service, caller } = application;
  const wrapped = service.handle({ verb: 'wrap', mechanism: by, wrappingKey, key }, caller);
  return settle(wrapped, writer, (later, bytes) => {
    if (room.query || bytes.length > room.size) later.lengthOnly(bytes.length);
    else later.byteArray(bytes);
  });
};

const unwrapKey: CallHandler = (context) => {
  const { application, reader } = context;
  const of = session(context);
  const by = presentMechanism(context);
  const unwrappingKey = application.key(reader.ulong());
  const wrapped = reader.byteArray()?.slice();
  const template = readTemplate(reader);
  reader.end();
  if (wrapped === undefined) throw new ReturnValue('ARGUMENTS_BAD');
  checkWritable(of, template);
  const { service, caller } = application;
  return newHandle(context, of, () =>
    service.handle({ verb: 'unwrap', mechanism: by, unwrappingKey, wrapped, template }, caller),
  );
};

/** The handle of a derived key; version 2 of the protocol tells two more things in front. */
function deriveWith(writeReply: (key: number) => WriteReply): CallHandler {
  return (context) => {
    const { application, reader } = context;
    const of = session(context);
    const by = presentMechanism(context);
    const baseKey = application.key(reader.ulong());
    const template = readTemplate(reader);
    reader.end();
    checkWritable(of, template);
    const { service, caller } = application;
    const derived = service.handle({ verb: 'derive', mechanism: by, baseKey, template }, caller);
    return Promise.resolve(derived).then(async (id) =>
      writeReply(await adopt(application, of, id)),
    );
  };
}

export const objectCalls: CallTable = {
  CreateObject: createObject,
  CopyObject: copyObject,
  DestroyObject: destroyObject,
  GetObjectSize: getObjectSize,
  GetAttributeValue: getAttributeValue,
  SetAttributeValue: setAttributeValue,
  FindObjectsInit: findObjectsInit,
  FindObjects: findObjects,
  FindObjectsFinal: findObjectsFinal,
  GenerateKey: generateKey,
  GenerateKeyPair: generateKeyPair,
  WrapKey: wrapKey,
  UnwrapKey: unwrapKey,
  DeriveKey: deriveWith(ulongReply),
  DeriveKey2: deriveWith((key) => (writer) => {
    writer.ulong(CKR.OK);
    // The parameter of the mechanism did not change: a flag, none behind it.
    writer.byte(0);
    writer.ulong(key);
  }),
};

import { mechanisms } from '../../engine/mechanism/table.ts';
import type { MechanismInfo, Operation } from '../../engine/mechanism/mechanism.ts';
import { CKK, CKM } from '../../engine/pkcs11.ts';
import type { KeysService, TokenInfo } from '../../engine/request.ts';
import type { CallContext, CallHandler, CallTable, WriteReply } from './context.ts';
import { done } from './context.ts';
import { mechanismsFor } from './mechanism-wire.ts';
import { ReturnValue } from './return-value.ts';
import type { ReplyWriter } from './wire/reply.ts';

/** C_Initialize to C_InitToken: what stands before a session. One slot with one token. */

const SLOT = 0;
const MANUFACTURER = 'Strongroom';
const HANDSHAKE = 'PRIVATE-GNOME-KEYRING-PKCS11-PROTOCOL-V-1';
const CKF_DONT_BLOCK = 1;
const CKF_TOKEN_PRESENT = 1;
const CKF_REMOVABLE_DEVICE = 2;

const TOKEN_FLAG = {
  RNG: 0x1,
  LOGIN_REQUIRED: 0x4,
  USER_PIN_INITIALIZED: 0x8,
  TOKEN_INITIALIZED: 0x400,
  USER_PIN_COUNT_LOW: 0x1_0000,
  USER_PIN_FINAL_TRY: 0x2_0000,
  USER_PIN_LOCKED: 0x4_0000,
  SO_PIN_COUNT_LOW: 0x10_0000,
  SO_PIN_FINAL_TRY: 0x20_0000,
  SO_PIN_LOCKED: 0x40_0000,
  ERROR_STATE: 0x100_0000,
} as const;

/** What GetMechanismInfo says of each operation. CKF_HW is never set: this is software. */
const OPERATION_FLAG: Readonly<Record<Operation, number>> = {
  encrypt: 0x100,
  decrypt: 0x200,
  digest: 0x400,
  sign: 0x800,
  verify: 0x2000,
  generate: 0x8000,
  'generate-pair': 0x1_0000,
  wrap: 0x2_0000,
  unwrap: 0x4_0000,
  derive: 0x8_0000,
  encapsulate: 0x1000_0000,
  decapsulate: 0x2000_0000,
};
/** Prime fields, curves by object identifier, uncompressed points. */
const EC_FLAGS = 0x10_0000 | 0x80_0000 | 0x100_0000;

/** Least and most size of a key, in bits for RSA and curves, in bytes for secret keys. */
function sizesOf(info: MechanismInfo): readonly [number, number] {
  const { keyTypes } = info;
  if (keyTypes.includes(CKK.RSA)) return [2048, 4096];
  if (keyTypes.includes(CKK.EC)) return [256, 521];
  if (keyTypes.includes(CKK.EC_EDWARDS) || keyTypes.includes(CKK.EC_MONTGOMERY)) return [255, 448];
  if (keyTypes.includes(CKK.GENERIC_SECRET) || keyTypes.includes(CKK.HKDF)) return [14, 512];
  return keyTypes.includes(CKK.AES) ? [16, 32] : [0, 0];
}

function checkSlot(slot: number): void {
  if (slot !== SLOT) throw new ReturnValue('SLOT_ID_INVALID');
}

/** The token is there while the strongroom is unlocked, and while it has failed, to say so. */
function present(service: KeysService): boolean {
  return service.state !== 'locked';
}

function checkToken(service: KeysService, slot: number): void {
  checkSlot(slot);
  if (!present(service)) throw new ReturnValue('TOKEN_NOT_PRESENT');
  if (service.state === 'failed') throw new ReturnValue('GENERAL_ERROR');
}

const initialize: CallHandler = ({ application, reader }) => {
  const handshake = reader.byteArray();
  reader.byte();
  reader.byteArray();
  reader.end();
  if (Buffer.from(handshake ?? []).toString('latin1') !== HANDSHAKE) {
    throw new ReturnValue('GENERAL_ERROR');
  }
  if (application.initialised) throw new ReturnValue('CRYPTOKI_ALREADY_INITIALIZED');
  application.initialised = true;
  return undefined;
};

const finalize: CallHandler = ({ application, reader }) => {
  reader.end();
  return application.closeAllSessions().then(() => {
    application.initialised = false;
    return done;
  });
};

const getInfo: CallHandler = ({ application, reader, writer }) => {
  reader.end();
  if (application.offeredVersion === 0) writer.version(2, 40);
  else writer.version(3, 0);
  writer.padded(MANUFACTURER, 32);
  writer.ulong(0);
  writer.padded('Strongroom keys', 32);
  writer.version(0, 1);
  return undefined;
};

/** `au` of a list of which the client may have room for a part only. */
function writeList(
  writer: ReplyWriter,
  values: readonly number[],
  room: { query: boolean; size: number },
): undefined {
  if (room.query || room.size < values.length) writer.lengthOnly(values.length);
  else writer.ulongArray(values);
}

const getSlotList: CallHandler = ({ application, reader, writer }) => {
  const tokenPresent = reader.byte() !== 0;
  const room = reader.room();
  reader.end();
  const slots = tokenPresent && !present(application.service) ? [] : [SLOT];
  return writeList(writer, slots, room);
};

const getSlotInfo: CallHandler = ({ application, reader, writer }) => {
  const slot = reader.ulong();
  reader.end();
  checkSlot(slot);
  writer.padded('Strongroom', 64);
  writer.padded(MANUFACTURER, 32);
  writer.ulong(CKF_REMOVABLE_DEVICE | (present(application.service) ? CKF_TOKEN_PRESENT : 0));
  writer.version(0, 1);
  writer.version(0, 1);
  return undefined;
};

function tokenFlags(info: TokenInfo): number {
  const { triesBeforeLock } = info;
  const left = (failures: number): number => triesBeforeLock - failures;
  let flags = TOKEN_FLAG.RNG | TOKEN_FLAG.LOGIN_REQUIRED | TOKEN_FLAG.TOKEN_INITIALIZED;
  if (info.userPinInitialised) flags |= TOKEN_FLAG.USER_PIN_INITIALIZED;
  if (info.userPinFailures > 0) flags |= TOKEN_FLAG.USER_PIN_COUNT_LOW;
  if (left(info.userPinFailures) === 1) flags |= TOKEN_FLAG.USER_PIN_FINAL_TRY;
  if (info.userPinLocked) flags |= TOKEN_FLAG.USER_PIN_LOCKED;
  if (info.securityOfficerPinFailures > 0) flags |= TOKEN_FLAG.SO_PIN_COUNT_LOW;
  if (left(info.securityOfficerPinFailures) === 1) flags |= TOKEN_FLAG.SO_PIN_FINAL_TRY;
  if (info.securityOfficerPinLocked) flags |= TOKEN_FLAG.SO_PIN_LOCKED;
  return flags;
}

/** A token that failed its self-tests shows itself with that flag, and serves nothing. */
function failedToken(service: KeysService): TokenInfo | undefined {
  try {
    return service.token.info();
  } catch {
    return undefined;
  }
}

const getTokenInfo: CallHandler = ({ application, reader, writer }) => {
  const slot = reader.ulong();
  reader.end();
  checkSlot(slot);
  const { service } = application;
  if (!present(service)) throw new ReturnValue('TOKEN_NOT_PRESENT');
  const failed = service.state === 'failed';
  const info = failed ? failedToken(service) : service.token.info();
  writer.padded(info?.label ?? 'strongroom', 32);
  writer.padded(MANUFACTURER, 32);
  writer.padded(info?.model ?? 'software', 16);
  writer.padded(info?.serialNumber ?? '', 16);
  writer.ulong((info === undefined ? 0 : tokenFlags(info)) | (failed ? TOKEN_FLAG.ERROR_STATE : 0));
  // 0 means that there is no limit worth telling (CK_EFFECTIVELY_INFINITE).
  writer.ulong(0);
  writer.ulong(application.sessionCount);
  writer.ulong(0);
  writer.ulong(application.countSessions(true));
  writer.ulong(info?.pinLength.most ?? 0);
  writer.ulong(info?.pinLength.least ?? 0);
  // Total and free memory, public and private.
  for (let index = 0; index < 4; index++) writer.ulong(-1);
  writer.version(0, 1);
  writer.version(0, 1);
  writer.padded('', 16);
  return undefined;
};

const getMechanismList: CallHandler = ({ application, reader, writer }) => {
  const slot = reader.ulong();
  const room = reader.room();
  reader.end();
  checkToken(application.service, slot);
  return writeList(writer, mechanismsFor(application.offeredVersion), room);
};

const getMechanismInfo: CallHandler = ({ application, reader, writer }) => {
  const slot = reader.ulong();
  const type = reader.ulong();
  reader.end();
  checkToken(application.service, slot);
  const info = mechanisms.get(type);
  if (info === undefined) throw new ReturnValue('MECHANISM_INVALID');
  const [least, most] = sizesOf(info);
  const curves = type >= CKM.EC_KEY_PAIR_GEN && type <= CKM.EDDSA;
  let flags = curves ? EC_FLAGS : 0;
  for (const operation of info.operations) flags |= OPERATION_FLAG[operation];
  writer.ulong(least);
  writer.ulong(most);
  writer.ulong(flags);
  return undefined;
};

/** The label comes with 32 padded bytes, or as far as a C string went. */
function initTokenWith(readLabel: (context: CallContext) => Uint8Array): CallHandler {
  return (context) => {
    const { application, reader } = context;
    const slot = reader.ulong();
    const pin = reader.byteArray()?.slice();
    const label = Buffer.from(readLabel(context).subarray(0, 32)).toString('utf8').trimEnd();
    reader.end();
    checkToken(application.service, slot);
    if (pin === undefined) throw new ReturnValue('ARGUMENTS_BAD');
    if (application.sessionCount > 0) throw new ReturnValue('SESSION_EXISTS');
    return withPin(pin, () => application.service.token.initToken(pin, label));
  };
}

/** Wipes the PIN whatever comes of it. */
export async function withPin(pin: Uint8Array, work: () => Promise<void>): Promise<WriteReply> {
  try {
    await work();
    return done;
  } finally {
    pin.fill(0);
  }
}

const waitForSlotEvent: CallHandler = ({ reader }) => {
  const flags = reader.ulong();
  reader.end();
  throw new ReturnValue((flags & CKF_DONT_BLOCK) === 0 ? 'FUNCTION_NOT_SUPPORTED' : 'NO_EVENT');
};

const openSession: CallHandler = ({ application, reader, writer }) => {
  const slot = reader.ulong();
  const flags = reader.ulong();
  reader.end();
  checkToken(application.service, slot);
  if ((flags & 4) === 0) throw new ReturnValue('SESSION_PARALLEL_NOT_SUPPORTED');
  writer.ulong(application.openSession((flags & 2) !== 0).handle);
  return undefined;
};

const closeAllSessions: CallHandler = ({ application, reader }) => {
  const slot = reader.ulong();
  reader.end();
  checkSlot(slot);
  return application.closeAllSessions().then(() => done);
};

export const tokenCalls: CallTable = {
  Initialize: initialize,
  Finalize: finalize,
  GetInfo: getInfo,
  GetSlotList: getSlotList,
  GetSlotInfo: getSlotInfo,
  GetTokenInfo: getTokenInfo,
  GetMechanismList: getMechanismList,
  GetMechanismInfo: getMechanismInfo,
  InitToken: initTokenWith(({ reader }) => reader.text()),
  InitToken2: initTokenWith(({ reader }) => reader.text()),
  WaitForSlotEvent: waitForSlotEvent,
  OpenSession: openSession,
  CloseAllSessions: closeAllSessions,
};

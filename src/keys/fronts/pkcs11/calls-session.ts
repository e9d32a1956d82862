import type { CallHandler, CallTable } from './context.ts';
import { done, session } from './context.ts';
import { ReturnValue } from './return-value.ts';
import type { Application } from './session.ts';
import { withPin } from './calls-token.ts';

/** Sessions, logins and PINs (PKCS#11 v3.1, 5.6). */

const CKU = { SO: 0, USER: 1, CONTEXT_SPECIFIC: 2 } as const;
const CKF_RW_SESSION = 2;
const CKF_SERIAL_SESSION = 4;
/** C_SessionCancel: what each flag ends. */
const CANCEL = { find: 0x40, encrypt: 0x100, decrypt: 0x200, digest: 0x400 } as const;
const CANCEL_SIGN = 0x800;
const CANCEL_VERIFY = 0x2000;

const closeSession: CallHandler = (context) => {
  const closing = session(context);
  context.reader.end();
  return context.application.closeSession(closing).then(() => done);
};

/** CKS_RO_PUBLIC_SESSION 0, RO_USER 1, RW_PUBLIC 2, RW_USER 3, RW_SO 4. */
function stateOf(application: Application, readWrite: boolean): number {
  switch (application.role) {
    case 'security-officer':
      return 4;
    case 'user':
      return readWrite ? 3 : 1;
    case 'public':
      return readWrite ? 2 : 0;
  }
}

const getSessionInfo: CallHandler = (context) => {
  const { application, reader, writer } = context;
  const { readWrite } = session(context);
  reader.end();
  writer.ulong(0);
  writer.ulong(stateOf(application, readWrite));
  writer.ulong(CKF_SERIAL_SESSION | (readWrite ? CKF_RW_SESSION : 0));
  writer.ulong(0);
  return undefined;
};

function login(
  application: Application,
  userType: number,
  pin: Uint8Array | undefined,
): ReturnType<CallHandler> {
  // No key here asks for the PIN again, so there is nothing to log in for.
  if (userType === CKU.CONTEXT_SPECIFIC) throw new ReturnValue('OPERATION_NOT_INITIALIZED');
  if (userType !== CKU.SO && userType !== CKU.USER) throw new ReturnValue('USER_TYPE_INVALID');
  if (pin === undefined) throw new ReturnValue('ARGUMENTS_BAD');
  const role = userType === CKU.SO ? 'security-officer' : 'user';
  const check = (): void => {
    if (application.role === role) throw new ReturnValue('USER_ALREADY_LOGGED_IN');
    if (application.role !== 'public') throw new ReturnValue('USER_ANOTHER_ALREADY_LOGGED_IN');
    if (role === 'security-officer' && application.countSessions(false) > 0) {
      throw new ReturnValue('SESSION_READ_ONLY_EXISTS');
    }
  };
  check();
  const { epoch } = application.service;
  return withPin(pin, async () => {
    await application.service.token.login(role, pin);
    // Another thread may have been quicker, or the keys locked meanwhile.
    check();
    if (application.service.epoch !== epoch || application.sessionCount === 0) {
      throw new ReturnValue('SESSION_HANDLE_INVALID');
    }
    application.role = role;
  });
}

const logIn: CallHandler = (context) => {
  const { application, reader } = context;
  session(context);
  const userType = reader.ulong();
  const pin = reader.byteArray()?.slice();
  reader.end();
  return login(application, userType, pin);
};

const loginUser: CallHandler = (context) => {
  const { application, reader } = context;
  session(context);
  const userType = reader.ulong();
  const pin = reader.byteArray()?.slice();
  const name = reader.byteArray();
  reader.end();
  // The token has one user, and he has no name.
  if (name !== undefined && name.length > 0) throw new ReturnValue('USER_TYPE_INVALID');
  return login(application, userType, pin);
};

const logout: CallHandler = (context) => {
  const { application, reader } = context;
  session(context);
  reader.end();
  if (application.role === 'public') throw new ReturnValue('USER_NOT_LOGGED_IN');
  return application.logout().then(() => done);
};

const initPin: CallHandler = (context) => {
  const { application, reader } = context;
  session(context);
  const pin = reader.byteArray()?.slice();
  reader.end();
  if (application.role !== 'security-officer') throw new ReturnValue('USER_NOT_LOGGED_IN');
  if (pin === undefined) throw new ReturnValue('ARGUMENTS_BAD');
  return withPin(pin, () => application.service.token.initPin(pin));
};

/** The PIN of who is logged in, else the user's. */
const setPin: CallHandler = (context) => {
  const { application, reader } = context;
  const { readWrite } = session(context);
  const oldPin = reader.byteArray()?.slice();
  const newPin = reader.byteArray()?.slice();
  reader.end();
  if (!readWrite) throw new ReturnValue('SESSION_READ_ONLY');
  if (oldPin === undefined || newPin === undefined) throw new ReturnValue('ARGUMENTS_BAD');
  const role = application.role === 'security-officer' ? 'security-officer' : 'user';
  return withPin(newPin, async () => {
    await withPin(oldPin, () => application.service.token.setPin(role, oldPin, newPin));
  });
};

/** Operations hold key objects that cannot leave: no state is saved. */
const getOperationState: CallHandler = (context) => {
  const of = session(context);
  context.reader.room();
  context.reader.end();
  if (!of.busy) throw new ReturnValue('OPERATION_NOT_INITIALIZED');
  throw new ReturnValue('STATE_UNSAVEABLE');
};

const setOperationState: CallHandler = (context) => {
  session(context);
  context.reader.byteArray();
  context.reader.ulong();
  context.reader.ulong();
  context.reader.end();
  throw new ReturnValue('FUNCTION_NOT_SUPPORTED');
};

const sessionCancel: CallHandler = (context) => {
  const { application, reader } = context;
  const target = session(context);
  const flags = reader.ulong();
  reader.end();
  if ((flags & CANCEL.encrypt) !== 0) application.endOperation(target, 'encrypt');
  if ((flags & CANCEL.decrypt) !== 0) application.endOperation(target, 'decrypt');
  if ((flags & CANCEL_SIGN) !== 0) application.endOperation(target, 'sign');
  if ((flags & CANCEL_VERIFY) !== 0) application.endOperation(target, 'verify');
  if ((flags & CANCEL.digest) !== 0) target.digest = undefined;
  if ((flags & CANCEL.find) !== 0) application.endFind(target);
  return undefined;
};

export const sessionCalls: CallTable = {
  CloseSession: closeSession,
  GetSessionInfo: getSessionInfo,
  Login: logIn,
  LoginUser: loginUser,
  Logout: logout,
  InitPIN: initPin,
  SetPIN: setPin,
  GetOperationState: getOperationState,
  SetOperationState: setOperationState,
  SessionCancel: sessionCancel,
};

import { Reader } from '../../../bytes/reader.ts';
import { textOf } from './frame.ts';

const MAX_FIELD = 16 * 1024;
const USERAUTH_REQUEST = 50;

/**
 * What data are that ssh wants signed, in words for a person who is asked: a login (RFC 4252, 7) or
 * a file or commit (PROTOCOL.sshsig of OpenSSH). Others are not named.
 */
export function occasionOf(data: Uint8Array): string | undefined {
  try {
    return signedFile(data) ?? login(data);
  } catch {
    // Neither: the person is told no more than that something is to be signed.
    return undefined;
  }
}

function signedFile(data: Uint8Array): string | undefined {
  const reader = new Reader(data);
  if (reader.left < 6 || textOf(reader.bytes(6)) !== 'SSHSIG') return undefined;
  return `for a signature in the namespace \`${textOf(reader.bytes32(MAX_FIELD))}\``;
}

function login(data: Uint8Array): string | undefined {
  const reader = new Reader(data);
  reader.bytes32(MAX_FIELD);
  if (reader.u8() !== USERAUTH_REQUEST) return undefined;
  const user = textOf(reader.bytes32(MAX_FIELD));
  reader.bytes32(MAX_FIELD);
  const method = textOf(reader.bytes32(MAX_FIELD));
  return method.startsWith('publickey') ? `to log in as \`${user}\`` : undefined;
}

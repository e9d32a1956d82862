import { jsonString } from './go-text.ts';
import { bytesField, fieldsOf, malformed, numberField, parseJson, textField } from './parse.ts';

/** Cost of scrypt (RFC 7914). */
export interface ScryptCost {
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** A key file: in clear, and the storage reads it. `data` is the sealed master key. */
export interface KeyFile {
  readonly created: string;
  readonly username: string;
  readonly hostname: string;
  readonly cost: ScryptCost;
  readonly salt: Uint8Array;
  readonly data: Uint8Array;
}

/** The keys that everything in a repository is sealed with. */
export interface MasterKey {
  /** AES-256. */
  readonly encrypt: Uint8Array;
  /** AES-128 key of Poly1305-AES. */
  readonly macK: Uint8Array;
  /** The r of Poly1305-AES. */
  readonly macR: Uint8Array;
}

export function encodeKeyFile(file: KeyFile): Uint8Array {
  const { n, r, p } = file.cost;
  const json = [
    `"created":"${file.created}"`,
    `"username":${jsonString(file.username)}`,
    `"hostname":${jsonString(file.hostname)}`,
    `"kdf":"scrypt","N":${n},"r":${r},"p":${p}`,
    `"salt":"${file.salt.toBase64()}"`,
    `"data":"${file.data.toBase64()}"`,
  ].join(',');
  return new TextEncoder().encode(`{${json}}`);
}

/** @throws {BackupError} BACKUP_MALFORMED; the cost is checked where it is spent */
export function decodeKeyFile(bytes: Uint8Array): KeyFile {
  const what = 'a key file';
  const fields = fieldsOf(parseJson(bytes, what), what);
  if (textField(fields, 'kdf', what) !== 'scrypt') throw malformed(what, 'its kdf is not scrypt');
  const salt = bytesField(fields, 'salt', what);
  if (salt.length !== 64) throw malformed(what, 'its salt has not 64 bytes');
  return {
    created: textField(fields, 'created', what),
    username: textField(fields, 'username', what),
    hostname: textField(fields, 'hostname', what),
    cost: {
      n: numberField(fields, 'N', what),
      r: numberField(fields, 'r', what),
      p: numberField(fields, 'p', what),
    },
    salt,
    data: bytesField(fields, 'data', what),
  };
}

export function encodeMasterKey({ encrypt, macK, macR }: MasterKey): Uint8Array {
  const json = `{"mac":{"k":"${macK.toBase64()}","r":"${macR.toBase64()}"},"encrypt":"${encrypt.toBase64()}"}`;
  return new TextEncoder().encode(json);
}

/** @throws {BackupError} BACKUP_MALFORMED, also for a key of zeros */
export function decodeMasterKey(bytes: Uint8Array): MasterKey {
  const what = 'the master key';
  const fields = fieldsOf(parseJson(bytes, what), what);
  const mac = fieldsOf(fields['mac'], what);
  const key = {
    encrypt: bytesField(fields, 'encrypt', what),
    macK: bytesField(mac, 'k', what),
    macR: bytesField(mac, 'r', what),
  };
  const sizes = key.encrypt.length === 32 && key.macK.length === 16 && key.macR.length === 16;
  const zero = [key.encrypt, key.macK, key.macR].some((part) => part.every((byte) => byte === 0));
  if (!sizes || zero) throw malformed(what, 'it is no key');
  return key;
}

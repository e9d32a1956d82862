import { createPrivateKey } from 'node:crypto';
import type { JsonWebKeyInput, KeyObject } from 'node:crypto';
import { BytesError, Reader } from '../bytes/reader.ts';
import { fromUtf8 } from '../bytes/text.ts';
import { KEY_TYPES } from '../keys/client.ts';
import type { KeyMaterial } from '../keys/client.ts';
import { readSshPrivateKey, sshPublicKeyLine } from '../keys/ssh.ts';
import { UsageError } from './output.ts';

/** A key file taken apart; `wipe` overwrites what was copied out of it. */
export interface KeyFile {
  readonly material: KeyMaterial;
  wipe(): void;
}

export interface KeyFileOptions {
  /** Names a type of secret key: the file is then its bytes, or a JWK of kind `oct`. */
  readonly type: string | undefined;
  /** Opens an encrypted PKCS#8 or PKCS#1 file. */
  readonly passphrase: Uint8Array | undefined;
}

const OPENSSH = '-----BEGIN OPENSSH PRIVATE KEY-----';
const HINT =
  'PEM or DER (PKCS#8, PKCS#1, SEC1), OpenSSH, JWK, or the bytes of a secret key with --type';

/**
 * Reads a private or secret key in any of the usual forms, told by its content.
 * @throws {UsageError} when it is none of them
 */
export function readKeyFile(bytes: Uint8Array, options: KeyFileOptions): KeyFile {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096))
    .toString('latin1')
    .trimStart();
  const secretType = KEY_TYPES.find(({ name, pair }) => name === options.type && !pair);
  if (text.startsWith('{')) return fromJwk(bytes, secretType?.name);
  if (secretType !== undefined) return secretKey(secretType.name, bytes);
  if (options.type !== undefined && !KEY_TYPES.some(({ name }) => name === options.type)) {
    throw new UsageError(`there is no key type \`${options.type}\``);
  }
  if (text.startsWith(OPENSSH)) return fromOpenSsh(bytes);
  if (text.includes('-----BEGIN ')) return fromPem(bytes, text, options.passphrase);
  return fromDer(bytes, options.passphrase);
}

function privateKey(key: KeyObject): KeyFile {
  const pkcs8 = key.export({ format: 'der', type: 'pkcs8' });
  return { material: { kind: 'private', pkcs8 }, wipe: () => pkcs8.fill(0) };
}

function secretKey(type: string, value: Uint8Array): KeyFile {
  const bits = /^aes-(\d+)$/.exec(type)?.[1];
  if (bits !== undefined && value.length * 8 !== Number(bits)) {
    throw new UsageError(
      `a key of type ${type} has ${Number(bits) / 8} bytes, this file ${value.length}`,
    );
  }
  return { material: { kind: 'secret', type, value }, wipe: () => value.fill(0) };
}

function fromJwk(bytes: Uint8Array, secretType: string | undefined): KeyFile {
  let jwk: JsonWebKeyInput['key'];
  try {
    jwk = JSON.parse(fromUtf8(bytes)) as JsonWebKeyInput['key'];
  } catch {
    throw new UsageError('this file begins like a JWK and is no JSON');
  }
  if (jwk.kty === 'oct') {
    if (secretType === undefined) {
      throw new UsageError('a JWK of a secret key does not tell its type', 'name it with --type');
    }
    let value: Uint8Array;
    try {
      value = Uint8Array.fromBase64(typeof jwk.k === 'string' ? jwk.k : '', {
        alphabet: 'base64url',
      });
    } catch {
      throw new UsageError('the JWK holds no key');
    }
    return secretKey(secretType, value);
  }
  if (!('d' in jwk) && !('priv' in jwk)) {
    throw new UsageError('this JWK holds a public key only', 'take the one with the private half');
  }
  try {
    return privateKey(createPrivateKey({ key: jwk, format: 'jwk' }));
  } catch {
    throw new UsageError('this JWK is malformed, or of a key that OpenSSL does not know');
  }
}

function fromPem(bytes: Uint8Array, text: string, passphrase: Uint8Array | undefined): KeyFile {
  if (/-----BEGIN (?:[A-Z]+ )?PUBLIC KEY|-----BEGIN CERTIFICATE/.test(text)) {
    throw new UsageError('this file holds no private key', 'take the file with the private half');
  }
  const encrypted = /-----BEGIN ENCRYPTED |Proc-Type: 4,ENCRYPTED/.test(text);
  if (encrypted && passphrase === undefined) {
    throw new UsageError(
      'this key is encrypted',
      'give its passphrase with --passphrase-file FILE',
    );
  }
  try {
    return privateKey(
      createPrivateKey({
        key: asBuffer(bytes),
        format: 'pem',
        ...(passphrase === undefined ? {} : { passphrase: asBuffer(passphrase) }),
      }),
    );
  } catch {
    throw encrypted
      ? new UsageError('the passphrase does not open this key, or the file is damaged')
      : new UsageError('this PEM file holds no private key that OpenSSL knows', HINT);
  }
}

function fromDer(bytes: Uint8Array, passphrase: Uint8Array | undefined): KeyFile {
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      const secret =
        passphrase === undefined || type !== 'pkcs8' ? {} : { passphrase: asBuffer(passphrase) };
      return privateKey(createPrivateKey({ key: asBuffer(bytes), format: 'der', type, ...secret }));
    } catch {
      // Not this one; the next may fit.
    }
  }
  throw new UsageError('this file holds no private key', HINT);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

const MAGIC = 'openssh-key-v1\0';

/** The format `openssh-key-v1` (PROTOCOL.key of OpenSSH), unencrypted. */
function fromOpenSsh(pem: Uint8Array): KeyFile {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]*)-----END/.exec(
    asBuffer(pem).toString('latin1'),
  )?.[1];
  try {
    const bytes = Uint8Array.fromBase64(body ?? '');
    return openSshKey(bytes);
  } catch (error) {
    if (error instanceof BytesError || error instanceof SyntaxError || error instanceof TypeError) {
      throw new UsageError('this OpenSSH key file is damaged');
    }
    throw error;
  }
}

function openSshKey(bytes: Uint8Array): KeyFile {
  const most = bytes.length;
  const reader = new Reader(bytes);
  if (fromUtf8(reader.bytes(MAGIC.length)) !== MAGIC) throw new BytesError('no OpenSSH key');
  const cipher = fromUtf8(reader.bytes32(64));
  reader.bytes32(64);
  reader.bytes32(most);
  if (cipher !== 'none') {
    throw new UsageError(
      'this OpenSSH key has a passphrase, whose derivation OpenSSL does not have',
      'let `ssh-add FILE` bring it in, or take the passphrase off a copy with `ssh-keygen -p -N "" -f COPY`',
    );
  }
  if (reader.u32() !== 1) throw new BytesError('an OpenSSH key file holds one key');
  reader.bytes32(most);
  const section = new Reader(reader.bytes32(most));
  reader.end();
  if (section.u32() !== section.u32()) throw new BytesError('the check numbers differ');
  const key = readSshPrivateKey(section);
  return {
    material: {
      kind: 'components',
      template: key.template,
      fits: (info) => sshPublicKeyLine(info, '')?.split(' ')[1] === key.blob.toBase64(),
    },
    wipe() {
      key.wipe();
      bytes.fill(0);
    },
  };
}

import { createHash, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { equalBytes } from '../../../bytes/compare.ts';
import { BytesError, Reader } from '../../../bytes/reader.ts';
import { curveOf } from '../../engine/mechanism/curve.ts';
import { publicKeyFromComponents, publicKeyFromPoint } from '../../engine/mechanism/components.ts';
import { CKA, CKK } from '../../engine/pkcs11.ts';
import { textOf } from './frame.ts';
import { ED25519, curveNamed } from './public-key.ts';

/** The extension by which ssh tells an agent whose session a connection serves (PROTOCOL.agent, 1). */
export const SESSION_BIND = 'session-bind@openssh.com';

interface Binding {
  readonly hostKey: Uint8Array;
  readonly session: Uint8Array;
  readonly forwarding: boolean;
}

/** Hops that one connection may be forwarded over, as OpenSSH's agent counts them. */
const MAX_BINDINGS = 16;
const MAX_FIELD = 8192;

/** What is known of the sessions behind one connection. */
export class SessionBindings {
  readonly #bindings: Binding[] = [];
  #forwarded = false;

  /** Whether the connection says that a host far away is behind it: it may then only list and sign. */
  get forwarded(): boolean {
    return this.#forwarded;
  }

  /** `SHA256:…` of the last host's key, as ssh prints it. */
  get host(): string | undefined {
    const last = this.#bindings.at(-1);
    if (last === undefined) return undefined;
    const digest = createHash('sha256').update(last.hostKey).digest('base64');
    return `SHA256:${digest.replace(/=+$/, '')}`;
  }

  /**
   * Takes a session-bind request.
   * @returns whether the host's signature is right and it fits what was bound before
   * @throws {BytesError} when it is malformed
   */
  bind(reader: Reader): boolean {
    const hostKey = new Uint8Array(reader.bytes32(MAX_FIELD));
    const session = new Uint8Array(reader.bytes32(MAX_FIELD));
    const signature = reader.bytes32(MAX_FIELD);
    const forwarding = reader.u8() !== 0;
    reader.end();
    // Believed even unproved: it only takes power away.
    this.#forwarded ||= forwarding;
    if (this.#bindings.some((each) => !each.forwarding)) return false;
    const known = this.#bindings.find((each) => equalBytes(each.session, session));
    if (known !== undefined) return equalBytes(known.hostKey, hostKey);
    if (this.#bindings.length >= MAX_BINDINGS) return false;
    if (!isSignedBy(hostKey, session, signature)) return false;
    this.#bindings.push({ hostKey, session, forwarding });
    return true;
  }
}

/** Hash of a signature scheme of RFC 4253, 5656, 8332 and 8709; `null` where it hashes by itself. */
const SCHEMES: ReadonlyMap<string, { key: string; hash: string | null }> = new Map([
  ['ssh-ed25519', { key: 'ssh-ed25519', hash: null }],
  ['ecdsa-sha2-nistp256', { key: 'ecdsa-sha2-nistp256', hash: 'sha256' }],
  ['ecdsa-sha2-nistp384', { key: 'ecdsa-sha2-nistp384', hash: 'sha384' }],
  ['ecdsa-sha2-nistp521', { key: 'ecdsa-sha2-nistp521', hash: 'sha512' }],
  ['rsa-sha2-256', { key: 'ssh-rsa', hash: 'sha256' }],
  ['rsa-sha2-512', { key: 'ssh-rsa', hash: 'sha512' }],
]);

/**
 * Whether `signature` (RFC 4253, 6.6) over `data` is of this host key. Host certificates and
 * signatures with SHA-1 are not judged and count as wrong.
 * @throws {BytesError} when key or signature is malformed
 */
function isSignedBy(hostKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  const signed = new Reader(signature);
  const scheme = SCHEMES.get(textOf(signed.bytes32(64)));
  const bytes = signed.bytes32(MAX_FIELD);
  signed.end();
  const key = new Reader(hostKey);
  if (scheme === undefined || textOf(key.bytes32(64)) !== scheme.key) return false;
  try {
    const publicKey = publicKeyOf(scheme.key, key);
    if (!scheme.key.startsWith('ecdsa-')) return verify(scheme.hash, data, publicKey, bytes);
    return verify(scheme.hash, data, { key: publicKey, dsaEncoding: 'der' }, derOfPair(bytes));
  } catch (error) {
    if (error instanceof BytesError) throw error;
    return false;
  }
}

/** The rest of a public key blob behind its type. */
function publicKeyOf(type: string, reader: Reader): KeyObject {
  if (type === 'ssh-ed25519') {
    const point = reader.bytes32(32);
    reader.end();
    return publicKeyFromPoint(curveOf(Uint8Array.fromHex(ED25519)), point);
  }
  if (type === 'ssh-rsa') {
    const exponent = reader.bytes32(64);
    const modulus = reader.bytes32(2056);
    reader.end();
    return publicKeyFromComponents(
      new Map<number, number | Uint8Array>([
        [CKA.KEY_TYPE, CKK.RSA],
        [CKA.MODULUS, modulus],
        [CKA.PUBLIC_EXPONENT, exponent],
      ]),
    );
  }
  const curve = curveNamed(textOf(reader.bytes32(16)));
  const point = reader.bytes32(256);
  reader.end();
  if (curve === undefined || type !== `ecdsa-sha2-${curve.name}`) {
    throw new BytesError('a host key is malformed');
  }
  return publicKeyFromPoint(curveOf(Uint8Array.fromHex(curve.oid)), point);
}

/** DER of an ECDSA signature from its two `mpint`s (RFC 5656, 3.1.2), which DER writes alike. */
function derOfPair(bytes: Uint8Array): Uint8Array {
  const reader = new Reader(bytes);
  const [r, s] = [reader.bytes32(68), reader.bytes32(68)];
  reader.end();
  const inside = [0x02, r.length, ...r, 0x02, s.length, ...s];
  const head = inside.length < 0x80 ? [0x30, inside.length] : [0x30, 0x81, inside.length];
  return Uint8Array.from([...head, ...inside]);
}

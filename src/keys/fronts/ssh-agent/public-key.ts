import { Reader } from '../../../bytes/reader.ts';
import { concat, fromUtf8 } from '../../../bytes/text.ts';
import type { Template } from '../../engine/attribute.ts';
import { publicFromDer } from '../../engine/mechanism/key-material.ts';
import { keyTypeOf, publicAttributes } from '../../engine/mechanism/key-material.ts';
import type { Mechanism } from '../../engine/mechanism/mechanism.ts';
import { CKA, CKK, CKM } from '../../engine/pkcs11.ts';
import { FLAG, mpint, sshString } from './frame.ts';

const none = { kind: 'none' } as const;

/** A curve of RFC 5656 with the DER of its object identifier, in hexadecimal. */
interface Curve {
  readonly name: string;
  readonly oid: string;
  readonly mechanism: number;
  /** Bytes of an uncompressed point. */
  readonly point: number;
}

const CURVES: readonly Curve[] = [
  { name: 'nistp256', oid: '06082a8648ce3d030107', mechanism: CKM.ECDSA_SHA256, point: 65 },
  { name: 'nistp384', oid: '06052b81040022', mechanism: CKM.ECDSA_SHA384, point: 97 },
  { name: 'nistp521', oid: '06052b81040023', mechanism: CKM.ECDSA_SHA512, point: 133 },
];

/** The curve that SSH calls so. */
export function curveNamed(name: string): Curve | undefined {
  return CURVES.find((curve) => curve.name === name);
}

/** DER of the object identifier of Ed25519 (RFC 8410), in hexadecimal. */
export const ED25519 = '06032b6570';

/** How SSH names and uses one key. */
export interface SshKey {
  /** The public key blob of RFC 4253, 6.6. */
  readonly blob: Uint8Array;
  /** The mechanism for the flags of a request; `undefined` where they ask for SHA-1. */
  readonly mechanism: (flags: number) => Mechanism | undefined;
  /** The signature blob around the engine's bytes. */
  readonly signature: (bytes: Uint8Array, flags: number) => Uint8Array;
}

function bytes(attributes: Template, type: number): Uint8Array {
  const value = attributes.get(type);
  return value instanceof Uint8Array ? value : new Uint8Array();
}

/** What SSH makes of a private key's public attributes; `undefined` for a key that SSH has no name for. */
export function sshKeyOf(attributes: Template): SshKey | undefined {
  const info = bytes(attributes, CKA.PUBLIC_KEY_INFO);
  const oid = bytes(attributes, CKA.EC_PARAMS).toHex();
  switch (attributes.get(CKA.KEY_TYPE)) {
    case CKK.EC_EDWARDS:
      return oid === ED25519 ? ed25519(info.subarray(-32)) : undefined;
    case CKK.EC: {
      const curve = CURVES.find((each) => each.oid === oid);
      return curve === undefined ? undefined : ecdsa(curve, info.subarray(-curve.point));
    }
    case CKK.RSA:
      return rsa(bytes(attributes, CKA.PUBLIC_EXPONENT), bytes(attributes, CKA.MODULUS));
    default:
      return undefined;
  }
}

function ed25519(key: Uint8Array): SshKey {
  return {
    blob: concat(sshString('ssh-ed25519'), sshString(key)),
    mechanism: () => ({ type: CKM.EDDSA, parameter: none }),
    signature: (value) => concat(sshString('ssh-ed25519'), sshString(value)),
  };
}

function ecdsa(curve: Curve, point: Uint8Array): SshKey {
  const algorithm = sshString(`ecdsa-sha2-${curve.name}`);
  return {
    blob: concat(algorithm, sshString(curve.name), sshString(point)),
    mechanism: () => ({ type: curve.mechanism, parameter: none }),
    // RFC 5656, 3.1.2: r and s as two mpints.
    signature: (value) => {
      const half = value.length / 2;
      const pair = concat(mpint(value.subarray(0, half)), mpint(value.subarray(half)));
      return concat(algorithm, sshString(pair));
    },
  };
}

function rsa(exponent: Uint8Array, modulus: Uint8Array): SshKey {
  const wide = (flags: number): boolean => (flags & FLAG.RSA_SHA2_512) !== 0;
  return {
    blob: concat(sshString('ssh-rsa'), mpint(exponent), mpint(modulus)),
    mechanism: (flags) => {
      if (wide(flags)) return { type: CKM.SHA512_RSA_PKCS, parameter: none };
      // Without a flag the client wants SHA-1, which RFC 8332 replaces.
      const narrow = (flags & FLAG.RSA_SHA2_256) !== 0;
      return narrow ? { type: CKM.SHA256_RSA_PKCS, parameter: none } : undefined;
    },
    signature: (value, flags) =>
      concat(sshString(wide(flags) ? 'rsa-sha2-512' : 'rsa-sha2-256'), sshString(value)),
  };
}

/**
 * The line of a public key in `authorized_keys` and `.pub` files.
 * @param info DER SubjectPublicKeyInfo
 * @returns `undefined` for a key that SSH has no name for
 */
export function sshPublicKeyLine(info: Uint8Array, comment: string): string | undefined {
  const key = publicFromDer(info);
  const attributes = new Map([...publicAttributes(key), [CKA.KEY_TYPE, keyTypeOf(key)] as const]);
  const blob = sshKeyOf(attributes)?.blob;
  if (blob === undefined) return undefined;
  const algorithm = fromUtf8(new Reader(blob).bytes32(64));
  return `${algorithm} ${blob.toBase64()} ${comment.replaceAll(/\p{Cc}/gu, ' ')}`.trimEnd();
}

import { equalBytes } from '../../../bytes/compare.ts';
import { BytesError } from '../../../bytes/reader.ts';
import type { Reader } from '../../../bytes/reader.ts';
import { concat } from '../../../bytes/text.ts';
import type { AttributeValue, Template } from '../../engine/attribute.ts';
import { CKA, CKK } from '../../engine/pkcs11.ts';
import { KeysError } from '../../errors.ts';
import { mpint, sshString, textOf } from './frame.ts';
import { ED25519, curveNamed } from './public-key.ts';
import { remainder } from './remainder.ts';

/** No field of a key that is kept is longer: a number of an RSA key of 4096 bits, its sign, and air. */
const MAX_FIELD = 520;

/** A private key as SSH writes it, for the engine. */
export interface SshPrivateKey {
  /** The public key blob of RFC 4253, 6.6. */
  readonly blob: Uint8Array;
  /**
   * Key type and components; the private ones share memory with what was read, except two that were
   * computed. `wipe` overwrites both.
   */
  readonly template: Template;
  wipe(): void;
}

/**
 * Reads the type and the fields of a private key, as ADD_IDENTITY has them
 * (draft-ietf-sshm-ssh-agent, 3.2) and the `openssh-key-v1` format too.
 * @throws {BytesError} when it is malformed; {KeysError} when keys of this type are not kept here
 */
export function readSshPrivateKey(reader: Reader): SshPrivateKey {
  const type = textOf(reader.bytes32(64));
  if (type === 'ssh-ed25519') return ed25519(reader);
  if (type === 'ssh-rsa') return rsa(reader);
  const curve = type.startsWith('ecdsa-sha2-') ? curveNamed(type.slice(11)) : undefined;
  if (curve !== undefined) return ecdsa(reader, curve);
  throw new KeysError('KEY_TYPE_INCONSISTENT', `SSH keys of type ${printable(type)} are not kept`, {
    mend: 'Ed25519, ECDSA and RSA keys are taken; certificates and security keys are not',
  });
}

function printable(text: string): string {
  return text.replaceAll(/[^\w@.-]/g, '?');
}

function ed25519(reader: Reader): SshPrivateKey {
  const publicKey = reader.bytes32(32);
  const pair = reader.bytes32(64);
  // RFC 8032, 5.1.5: the seed, and behind it the public key once more.
  if (publicKey.length !== 32 || pair.length !== 64 || !equalBytes(pair.subarray(32), publicKey)) {
    throw new BytesError('an Ed25519 key is malformed');
  }
  return made(
    concat(sshString('ssh-ed25519'), sshString(publicKey)),
    [
      [CKA.KEY_TYPE, CKK.EC_EDWARDS],
      [CKA.EC_PARAMS, Uint8Array.fromHex(ED25519)],
    ],
    [[CKA.VALUE, pair.subarray(0, 32)]],
  );
}

function ecdsa(reader: Reader, curve: { name: string; oid: string; point: number }): SshPrivateKey {
  const name = textOf(reader.bytes32(16));
  const point = reader.bytes32(256);
  if (name !== curve.name || point.length !== curve.point) {
    throw new BytesError('an ECDSA key is malformed');
  }
  const value = unsigned(reader);
  return made(
    concat(sshString(`ecdsa-sha2-${name}`), sshString(name), sshString(point)),
    [
      [CKA.KEY_TYPE, CKK.EC],
      [CKA.EC_PARAMS, Uint8Array.fromHex(curve.oid)],
    ],
    [[CKA.VALUE, value]],
  );
}

function rsa(reader: Reader): SshPrivateKey {
  const modulus = unsigned(reader);
  const exponent = unsigned(reader);
  const privateExponent = unsigned(reader);
  const coefficient = unsigned(reader);
  const primes = [unsigned(reader), unsigned(reader)] as const;
  // RFC 8017, 3.2: SSH leaves the exponents modulo p - 1 and q - 1 out.
  const exponents = primes.map((prime) => {
    const order = prime.slice();
    // A prime is odd: one less is the last bit gone.
    order[order.length - 1] = (order.at(-1) ?? 0) & 0xfe;
    try {
      return remainder(privateExponent, order);
    } finally {
      order.fill(0);
    }
  });
  const parts: [number, Uint8Array][] = [
    [CKA.PRIVATE_EXPONENT, privateExponent],
    [CKA.PRIME_1, primes[0]],
    [CKA.PRIME_2, primes[1]],
    [CKA.EXPONENT_1, exponents[0] ?? new Uint8Array()],
    [CKA.EXPONENT_2, exponents[1] ?? new Uint8Array()],
    [CKA.COEFFICIENT, coefficient],
  ];
  return made(
    concat(sshString('ssh-rsa'), mpint(exponent), mpint(modulus)),
    [
      [CKA.KEY_TYPE, CKK.RSA],
      [CKA.MODULUS, new Uint8Array(modulus)],
      [CKA.PUBLIC_EXPONENT, new Uint8Array(exponent)],
    ],
    parts,
  );
}

/** A positive `mpint` (RFC 4251, 5), without zeros in front. */
function unsigned(reader: Reader): Uint8Array {
  const value = reader.bytes32(MAX_FIELD);
  let start = 0;
  while (start < value.length && value[start] === 0) start++;
  if (start === value.length || (start === 0 && (value[0] ?? 0) >= 0x80)) {
    throw new BytesError('a number of a key is not positive');
  }
  return value.subarray(start);
}

function made(
  blob: Uint8Array,
  known: readonly [number, AttributeValue][],
  secret: readonly [number, Uint8Array][],
): SshPrivateKey {
  return {
    blob,
    template: new Map<number, AttributeValue>([...known, ...secret]),
    wipe() {
      for (const [, value] of secret) value.fill(0);
    },
  };
}

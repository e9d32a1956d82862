import type { Mechanism, MechanismParameter } from '../../engine/mechanism/mechanism.ts';
import { mechanisms } from '../../engine/mechanism/table.ts';
import { CKM } from '../../engine/pkcs11.ts';
import { ReturnValue } from './return-value.ts';
import type { RequestReader } from './wire/request.ts';

/**
 * How a client writes mechanisms. `plain`, up to 0.25.5: a structure for those that have one, else a
 * byte array, null for no parameter. `flagged`, from 0.25.6: nothing at all behind mechanisms known
 * to have no parameter, else a byte that says whether one follows. The protocol's version does not
 * tell them apart, the version that the client offers does: 2 came with `flagged`.
 */
export type Dialect = 'plain' | 'flagged';

/** The version byte of the first release that writes mechanisms with a flag. */
const FLAGGED_SINCE = 2;

export function dialectOf(offeredVersion: number): Dialect {
  return offeredVersion >= FLAGGED_SINCE ? 'flagged' : 'plain';
}

/** CK_MECHANISM_PTR that is null: an Init call that ends the operation (PKCS#11 v3.0). */
const NULL_MECHANISM = 0xffff_ffff;
const CKZ_DATA_SPECIFIED = 1;

const PSS: ReadonlySet<number> = new Set([
  CKM.RSA_PKCS_PSS,
  CKM.SHA256_RSA_PKCS_PSS,
  CKM.SHA384_RSA_PKCS_PSS,
  CKM.SHA512_RSA_PKCS_PSS,
]);

/** What 0.24.1 carries of what is offered here. */
const OLDEST_CARRIES: ReadonlySet<number> = new Set([
  CKM.RSA_PKCS_KEY_PAIR_GEN,
  CKM.RSA_PKCS,
  CKM.RSA_PKCS_OAEP,
  CKM.RSA_PKCS_PSS,
  CKM.SHA256_RSA_PKCS,
  CKM.SHA384_RSA_PKCS,
  CKM.SHA512_RSA_PKCS,
  CKM.SHA256,
  CKM.SHA256_HMAC,
  CKM.SHA384,
  CKM.SHA384_HMAC,
  CKM.SHA512,
  CKM.SHA512_HMAC,
  CKM.GENERIC_SECRET_KEY_GEN,
  CKM.EC_KEY_PAIR_GEN,
  CKM.ECDSA,
  CKM.AES_KEY_GEN,
]);

/** Behind these a flagged client writes nothing. */
const BARE: ReadonlySet<number> = new Set([
  ...[...OLDEST_CARRIES].filter((type) => type !== CKM.RSA_PKCS_OAEP && !PSS.has(type)),
  CKM.ECDSA_SHA256,
  CKM.ECDSA_SHA384,
  CKM.ECDSA_SHA512,
  CKM.AES_CMAC,
]);

/** These have a structure of their own on the wire; every other parameter is a byte array. */
const STRUCTURED: ReadonlySet<number> = new Set([
  ...PSS,
  CKM.RSA_PKCS_OAEP,
  CKM.ECDH1_DERIVE,
  CKM.AES_GCM,
]);

/**
 * Mechanisms to tell a client of. 0.24.1 drops those that it cannot carry by moving memory one
 * element past the caller's array: it is told of none of them.
 */
export function mechanismsFor(offeredVersion: number): number[] {
  const all = [...mechanisms.keys()].sort((a, b) => a - b);
  return offeredVersion === 0 ? all.filter((type) => OLDEST_CARRIES.has(type)) : all;
}

/** Remembers whether the form of a mechanism was guessed, so that a failed reading may try again. */
export interface Guess {
  /** Read mechanisms of unknown form as bare ones. */
  bare: boolean;
  made: boolean;
}

/**
 * `M`: a mechanism, or `undefined` for the null one.
 * @throws {BytesError} when it is malformed
 * @throws {ReturnValue} MECHANISM_INVALID for what is not offered, MECHANISM_PARAM_INVALID
 */
export function readMechanism(
  reader: RequestReader,
  dialect: Dialect,
  guess: Guess,
): Mechanism | undefined {
  const type = reader.u32();
  if (type === NULL_MECHANISM) return undefined;
  if (!mechanisms.has(type)) throw new ReturnValue('MECHANISM_INVALID');
  return { type, parameter: readParameter(reader, type, dialect, guess) };
}

const NONE: MechanismParameter = { kind: 'none' };

function readParameter(
  reader: RequestReader,
  type: number,
  dialect: Dialect,
  guess: Guess,
): MechanismParameter {
  if (dialect === 'flagged') {
    if (BARE.has(type)) return NONE;
    if (!STRUCTURED.has(type)) {
      // Releases to come may write this one bare: the length of the call shows it.
      guess.made = true;
      if (guess.bare) return NONE;
    }
    if (reader.byte() === 0) return NONE;
  }
  if (PSS.has(type)) {
    return {
      kind: 'pss',
      hash: reader.ulong(),
      mgf: reader.ulong(),
      saltLength: reader.ulong(),
    };
  }
  switch (type) {
    case CKM.RSA_PKCS_OAEP:
      return readOaep(reader);
    case CKM.ECDH1_DERIVE:
      return {
        kind: 'ecdh',
        kdf: reader.ulong(),
        sharedData: reader.text().slice(),
        publicData: reader.text().slice(),
      };
    case CKM.AES_GCM:
      return readGcm(reader);
    default: {
      // What a client sends as bytes is a structure with pointers of its own memory: no use here.
      const bytes = reader.array();
      if (bytes !== undefined && bytes.length > 0) throw new ReturnValue('MECHANISM_PARAM_INVALID');
      return NONE;
    }
  }
}

function readOaep(reader: RequestReader): MechanismParameter {
  const hash = reader.ulong();
  const mgf = reader.ulong();
  const source = reader.ulong();
  const label = reader.text().slice();
  if (source !== CKZ_DATA_SPECIFIED && (source !== 0 || label.length > 0)) {
    throw new ReturnValue('MECHANISM_PARAM_INVALID');
  }
  return { kind: 'oaep', hash, mgf, label };
}

function readGcm(reader: RequestReader): MechanismParameter {
  const iv = reader.text().slice();
  // CK_GCM_PARAMS has the length twice; many programs leave the one in bits at 0.
  const bits = reader.ulong();
  const aad = reader.text().slice();
  const tagBits = reader.ulong();
  if (bits !== 0 && bits !== iv.length * 8) throw new ReturnValue('MECHANISM_PARAM_INVALID');
  return { kind: 'gcm', iv, aad, tagBits };
}

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
  CKM.SHA224_RSA_PKCS_PSS,
  CKM.SHA256_RSA_PKCS_PSS,
  CKM.SHA384_RSA_PKCS_PSS,
  CKM.SHA512_RSA_PKCS_PSS,
]);

/** What 0.24.1 carries of what is offered here, all of it without a parameter but PSS and OAEP. */
const VERSION_0: ReadonlySet<number> = new Set([
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

/** These have a structure of their own on the wire; every other parameter is a byte array. */
const STRUCTURED: ReadonlySet<number> = new Set([
  ...PSS,
  CKM.RSA_PKCS_OAEP,
  CKM.ECDH1_DERIVE,
  CKM.AES_CBC,
  CKM.AES_CBC_PAD,
  CKM.AES_CTR,
  CKM.AES_GCM,
]);

/** What 0.25.0 to 0.26.4 carry. */
const VERSION_1: ReadonlySet<number> = new Set([
  ...VERSION_0,
  ...STRUCTURED,
  CKM.SHA224_RSA_PKCS,
  CKM.ECDSA_SHA224,
  CKM.ECDSA_SHA256,
  CKM.ECDSA_SHA384,
  CKM.ECDSA_SHA512,
  CKM.AES_CMAC,
  CKM.SHA224,
  CKM.SHA224_HMAC,
  CKM.SHA512_224,
  CKM.SHA512_224_HMAC,
  CKM.SHA512_256,
  CKM.SHA512_256_HMAC,
]);

/** Behind these a flagged client writes nothing. */
const BARE: ReadonlySet<number> = new Set([...VERSION_1].filter((type) => !STRUCTURED.has(type)));

const ALL: readonly number[] = [...mechanisms.keys()].sort((a, b) => a - b);

/**
 * Mechanisms to tell a client of, by the version byte that it offers. 0.24.1 (version 0) drops those
 * that it cannot carry by moving memory one element past the caller's array, so it is told of none
 * of them; version 1 has a list that is known; what stands behind later ones drops by itself what it
 * cannot carry, and may carry more than is known here.
 */
export function mechanismsFor(offeredVersion: number): readonly number[] {
  if (offeredVersion >= FLAGGED_SINCE) return ALL;
  const carried = offeredVersion === 0 ? VERSION_0 : VERSION_1;
  return ALL.filter((type) => carried.has(type));
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
    case CKM.AES_CTR:
      return { kind: 'ctr', counterBits: reader.ulong(), block: reader.text().slice() };
    case CKM.AES_CBC:
    case CKM.AES_CBC_PAD:
      return { kind: 'iv', iv: reader.text().slice() };
    case CKM.AES_KEY_WRAP:
    case CKM.AES_KEY_WRAP_KWP: {
      // The initial value is optional.
      const iv = reader.array();
      return iv === undefined || iv.length === 0 ? NONE : { kind: 'iv', iv: iv.slice() };
    }
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

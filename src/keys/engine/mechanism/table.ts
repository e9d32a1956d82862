import { CKK, CKM } from '../pkcs11.ts';
import type { MechanismInfo, Operation } from './mechanism.ts';

const SIGN: readonly Operation[] = ['sign', 'verify'];
const ENCRYPT: readonly Operation[] = ['encrypt', 'decrypt'];
const WRAP: readonly Operation[] = ['wrap', 'unwrap'];

type Row = readonly [number, string, readonly Operation[], readonly number[]];

const HMAC_KEYS = (keyType: number): readonly number[] => [keyType, CKK.GENERIC_SECRET];

const ROWS: readonly Row[] = [
  [CKM.RSA_PKCS_KEY_PAIR_GEN, 'rsa-pkcs-key-pair-gen', ['generate-pair'], [CKK.RSA]],
  [CKM.RSA_PKCS, 'rsa-pkcs', SIGN, [CKK.RSA]],
  [CKM.RSA_PKCS_OAEP, 'rsa-oaep', [...ENCRYPT, ...WRAP], [CKK.RSA]],
  [CKM.RSA_PKCS_PSS, 'rsa-pss', SIGN, [CKK.RSA]],
  [CKM.SHA224_RSA_PKCS, 'sha224-rsa-pkcs', SIGN, [CKK.RSA]],
  [CKM.SHA256_RSA_PKCS, 'sha256-rsa-pkcs', SIGN, [CKK.RSA]],
  [CKM.SHA384_RSA_PKCS, 'sha384-rsa-pkcs', SIGN, [CKK.RSA]],
  [CKM.SHA512_RSA_PKCS, 'sha512-rsa-pkcs', SIGN, [CKK.RSA]],
  [CKM.SHA224_RSA_PKCS_PSS, 'sha224-rsa-pss', SIGN, [CKK.RSA]],
  [CKM.SHA256_RSA_PKCS_PSS, 'sha256-rsa-pss', SIGN, [CKK.RSA]],
  [CKM.SHA384_RSA_PKCS_PSS, 'sha384-rsa-pss', SIGN, [CKK.RSA]],
  [CKM.SHA512_RSA_PKCS_PSS, 'sha512-rsa-pss', SIGN, [CKK.RSA]],
  [CKM.EC_KEY_PAIR_GEN, 'ec-key-pair-gen', ['generate-pair'], [CKK.EC]],
  [CKM.ECDSA, 'ecdsa', SIGN, [CKK.EC]],
  [CKM.ECDSA_SHA224, 'ecdsa-sha224', SIGN, [CKK.EC]],
  [CKM.ECDSA_SHA256, 'ecdsa-sha256', SIGN, [CKK.EC]],
  [CKM.ECDSA_SHA384, 'ecdsa-sha384', SIGN, [CKK.EC]],
  [CKM.ECDSA_SHA512, 'ecdsa-sha512', SIGN, [CKK.EC]],
  [CKM.ECDH1_DERIVE, 'ecdh1-derive', ['derive'], [CKK.EC, CKK.EC_MONTGOMERY]],
  [CKM.EC_EDWARDS_KEY_PAIR_GEN, 'ec-edwards-key-pair-gen', ['generate-pair'], [CKK.EC_EDWARDS]],
  [
    CKM.EC_MONTGOMERY_KEY_PAIR_GEN,
    'ec-montgomery-key-pair-gen',
    ['generate-pair'],
    [CKK.EC_MONTGOMERY],
  ],
  [CKM.EDDSA, 'eddsa', SIGN, [CKK.EC_EDWARDS]],
  [CKM.ML_DSA_KEY_PAIR_GEN, 'ml-dsa-key-pair-gen', ['generate-pair'], [CKK.ML_DSA]],
  [CKM.ML_DSA, 'ml-dsa', SIGN, [CKK.ML_DSA]],
  [CKM.ML_KEM_KEY_PAIR_GEN, 'ml-kem-key-pair-gen', ['generate-pair'], [CKK.ML_KEM]],
  [CKM.ML_KEM, 'ml-kem', ['encapsulate', 'decapsulate'], [CKK.ML_KEM]],
  [CKM.AES_KEY_GEN, 'aes-key-gen', ['generate'], [CKK.AES]],
  [CKM.AES_CBC, 'aes-cbc', ENCRYPT, [CKK.AES]],
  [CKM.AES_CBC_PAD, 'aes-cbc-pad', ENCRYPT, [CKK.AES]],
  [CKM.AES_CTR, 'aes-ctr', ENCRYPT, [CKK.AES]],
  [CKM.AES_GCM, 'aes-gcm', ENCRYPT, [CKK.AES]],
  [CKM.AES_KEY_WRAP, 'aes-kw', WRAP, [CKK.AES]],
  [CKM.AES_KEY_WRAP_KWP, 'aes-kwp', WRAP, [CKK.AES]],
  [CKM.AES_CMAC, 'aes-cmac', SIGN, [CKK.AES]],
  [CKM.GENERIC_SECRET_KEY_GEN, 'generic-secret-key-gen', ['generate'], [CKK.GENERIC_SECRET]],
  [CKM.SHA224_HMAC, 'hmac-sha224', SIGN, HMAC_KEYS(CKK.SHA224_HMAC)],
  [CKM.SHA256_HMAC, 'hmac-sha256', SIGN, HMAC_KEYS(CKK.SHA256_HMAC)],
  [CKM.SHA384_HMAC, 'hmac-sha384', SIGN, HMAC_KEYS(CKK.SHA384_HMAC)],
  [CKM.SHA512_HMAC, 'hmac-sha512', SIGN, HMAC_KEYS(CKK.SHA512_HMAC)],
  [CKM.SHA512_224_HMAC, 'hmac-sha512-224', SIGN, HMAC_KEYS(CKK.SHA512_224_HMAC)],
  [CKM.SHA512_256_HMAC, 'hmac-sha512-256', SIGN, HMAC_KEYS(CKK.SHA512_256_HMAC)],
  [CKM.SHA3_224_HMAC, 'hmac-sha3-224', SIGN, HMAC_KEYS(CKK.SHA3_224_HMAC)],
  [CKM.SHA3_256_HMAC, 'hmac-sha3-256', SIGN, HMAC_KEYS(CKK.SHA3_256_HMAC)],
  [CKM.SHA3_384_HMAC, 'hmac-sha3-384', SIGN, HMAC_KEYS(CKK.SHA3_384_HMAC)],
  [CKM.SHA3_512_HMAC, 'hmac-sha3-512', SIGN, HMAC_KEYS(CKK.SHA3_512_HMAC)],
  [CKM.HKDF_DERIVE, 'hkdf', ['derive'], [CKK.GENERIC_SECRET, CKK.HKDF, CKK.AES]],
  [CKM.HKDF_KEY_GEN, 'hkdf-key-gen', ['generate'], [CKK.HKDF]],
  [CKM.SHA224, 'sha224', ['digest'], []],
  [CKM.SHA256, 'sha256', ['digest'], []],
  [CKM.SHA384, 'sha384', ['digest'], []],
  [CKM.SHA512, 'sha512', ['digest'], []],
  [CKM.SHA512_224, 'sha512-224', ['digest'], []],
  [CKM.SHA512_256, 'sha512-256', ['digest'], []],
  [CKM.SHA3_224, 'sha3-224', ['digest'], []],
  [CKM.SHA3_256, 'sha3-256', ['digest'], []],
  [CKM.SHA3_384, 'sha3-384', ['digest'], []],
  [CKM.SHA3_512, 'sha3-512', ['digest'], []],
];

/** Every mechanism that the engine performs, by its CKM number. */
export const mechanisms: ReadonlyMap<number, MechanismInfo> = new Map(
  ROWS.map(([type, label, operations, keyTypes]) => [
    type,
    { type, label, operations: new Set(operations), keyTypes },
  ]),
);

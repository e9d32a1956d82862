import type { KeyObject } from 'node:crypto';
import { utf8 } from '../../../bytes/text.ts';
import type { AttributeValue } from '../attribute.ts';
import type { Mechanism, MechanismParameter } from '../mechanism/mechanism.ts';
import * as perform from '../mechanism/perform.ts';
import { CKA, CKG, CKK, CKM } from '../pkcs11.ts';
import { digestOf, hex, plain, privateKey } from './answer.ts';
import type { KnownAnswer } from './answer.ts';
import { RSA_CIPHERTEXT, RSA_KEY } from './rsa-key.ts';

/** Known answers of RSA. The signatures were made with the OpenSSL of another system. */

const COMPONENTS: readonly (readonly [number, string])[] = [
  [CKA.MODULUS, RSA_KEY.modulus],
  [CKA.PUBLIC_EXPONENT, RSA_KEY.publicExponent],
  [CKA.PRIVATE_EXPONENT, RSA_KEY.privateExponent],
  [CKA.PRIME_1, RSA_KEY.prime1],
  [CKA.PRIME_2, RSA_KEY.prime2],
  [CKA.EXPONENT_1, RSA_KEY.exponent1],
  [CKA.EXPONENT_2, RSA_KEY.exponent2],
  [CKA.COEFFICIENT, RSA_KEY.coefficient],
];

let known: KeyObject | undefined;

/** Made once: the import signs and verifies with it, which tests that its halves fit. */
function key(): KeyObject {
  known ??= privateKey(
    [CKA.KEY_TYPE, CKK.RSA],
    ...COMPONENTS.map(([type, digits]): [number, AttributeValue] => [type, hex(digits)]),
  );
  return known;
}

const DATA = utf8('strongroom self-test');
/** SHA-256 of the data, and the DigestInfo around it (RFC 8017, 9.2). */
const DIGEST = digestOf(DATA);
const DIGEST_INFO = hex(`3031300d060960864801650304020105000420${DIGEST.toHex()}`);

function signed(
  name: string,
  mechanism: Mechanism,
  expected: string,
  data: Uint8Array = DATA,
): KnownAnswer {
  return {
    name,
    covers: [mechanism.type],
    compute: (signer) => {
      const signature = perform.sign(mechanism, key(), data, signer);
      const right = perform.verify(mechanism, key(), data, signature, signer);
      signature[0] = (signature[0] ?? 0) ^ 1;
      const wrong = perform.verify(mechanism, key(), data, signature, signer);
      signature[0] ^= 1;
      return right && !wrong ? digestOf(signature) : new Uint8Array();
    },
    expected,
  };
}

/** Without a salt PSS is deterministic. */
function pss(hash: number, mgf: number): MechanismParameter {
  return { kind: 'pss', hash, mgf, saltLength: 0 };
}

const PSS_256 = '750ee98677fc7d0f6baa819b56f9868079b9baf8dbc8eb34f84f8c4fd99d1f7d';
const PKCS1_256 = '230b8b72ac5f2f3f3407fa4f4fdbff73188c0ca0570531e264d71451d8d69963';

export const RSA_ANSWERS: readonly KnownAnswer[] = [
  {
    name: 'rsa-pkcs-key-pair-gen',
    covers: [CKM.RSA_PKCS_KEY_PAIR_GEN],
    compute: () => Uint8Array.of(key().type === 'private' ? 1 : 0),
    expected: '01',
  },
  signed(
    'sha224-rsa-pkcs',
    plain(CKM.SHA224_RSA_PKCS),
    'af4ccbaec8d9dff8d97ff3837d7be14ed6f7daed37581758501c5e580a0c67df',
  ),
  signed('sha256-rsa-pkcs', plain(CKM.SHA256_RSA_PKCS), PKCS1_256),
  signed(
    'sha384-rsa-pkcs',
    plain(CKM.SHA384_RSA_PKCS),
    '12eef054d07ebb514579423c49399fa0485a68043ae362f5212312bea1f258c4',
  ),
  signed(
    'sha512-rsa-pkcs',
    plain(CKM.SHA512_RSA_PKCS),
    '0cdcf71edb93377f2cdb5e85464e3767698e982a98961c62956c7fe5880cb40f',
  ),
  signed('rsa-pkcs', plain(CKM.RSA_PKCS), PKCS1_256, DIGEST_INFO),
  signed(
    'sha224-rsa-pss',
    { type: CKM.SHA224_RSA_PKCS_PSS, parameter: pss(CKM.SHA224, CKG.MGF1_SHA224) },
    '7d646baf4844830f0e3cd1e4c561576d34e212ec5a09a719c1e700b714861b05',
  ),
  signed(
    'sha256-rsa-pss',
    { type: CKM.SHA256_RSA_PKCS_PSS, parameter: pss(CKM.SHA256, CKG.MGF1_SHA256) },
    PSS_256,
  ),
  signed(
    'sha384-rsa-pss',
    { type: CKM.SHA384_RSA_PKCS_PSS, parameter: pss(CKM.SHA384, CKG.MGF1_SHA384) },
    'aa5ff58428cc7ab04e3ae3b97d6537fdcabaf8ce83d7066884abf6cda471cfdd',
  ),
  signed(
    'sha512-rsa-pss',
    { type: CKM.SHA512_RSA_PKCS_PSS, parameter: pss(CKM.SHA512, CKG.MGF1_SHA512) },
    'e922bbe192e3dffbab908f96b210109919b3c68db14a2b408123b9fc0fc975a2',
  ),
  signed(
    'rsa-pss',
    { type: CKM.RSA_PKCS_PSS, parameter: pss(CKM.SHA256, CKG.MGF1_SHA256) },
    PSS_256,
    DIGEST,
  ),
  {
    name: 'rsa-oaep',
    covers: [CKM.RSA_PKCS_OAEP],
    compute: () =>
      perform.decrypt(
        {
          type: CKM.RSA_PKCS_OAEP,
          parameter: {
            kind: 'oaep',
            hash: CKM.SHA256,
            mgf: CKG.MGF1_SHA256,
            label: hex(RSA_CIPHERTEXT.label),
          },
        },
        key(),
        hex(RSA_CIPHERTEXT.ciphertext),
      ),
    expected: RSA_CIPHERTEXT.message,
  },
];

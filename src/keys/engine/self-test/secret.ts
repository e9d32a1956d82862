import { utf8 } from '../../../bytes/text.ts';
import { createDigest } from '../mechanism/digest.ts';
import type { Mechanism } from '../mechanism/mechanism.ts';
import * as perform from '../mechanism/perform.ts';
import type { DigestSigner } from '../mechanism/raw.ts';
import { CKM } from '../pkcs11.ts';
import { hex, plain, secret } from './answer.ts';
import type { KnownAnswer } from './answer.ts';

/** Known answers of digests, MACs, ciphers, key wrap and HKDF. */

function digest(name: string, type: number, expected: string): KnownAnswer {
  return {
    name,
    covers: [type],
    compute: () => createDigest(plain(type)).hash.update(utf8('abc')).digest(),
    expected,
  };
}

/** FIPS 180-4 and FIPS 202: the examples of NIST for `abc`. */
const DIGESTS: readonly KnownAnswer[] = [
  digest('sha224', CKM.SHA224, '23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7'),
  digest('sha256', CKM.SHA256, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'),
  digest(
    'sha384',
    CKM.SHA384,
    'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7',
  ),
  digest(
    'sha512',
    CKM.SHA512,
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  ),
  digest('sha512-224', CKM.SHA512_224, '4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa'),
  digest(
    'sha512-256',
    CKM.SHA512_256,
    '53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23',
  ),
  digest('sha3-224', CKM.SHA3_224, 'e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf'),
  digest(
    'sha3-256',
    CKM.SHA3_256,
    '3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532',
  ),
  digest(
    'sha3-384',
    CKM.SHA3_384,
    'ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25',
  ),
  digest(
    'sha3-512',
    CKM.SHA3_512,
    'b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0',
  ),
];

/** MACs use no signer over digests. */
function unused(): never {
  throw new TypeError('a MAC is made without a signer');
}
const noSigner: DigestSigner = {
  ecdsaSign: unused,
  ecdsaVerify: unused,
  pssSign: unused,
  pssVerify: unused,
};

function mac(name: string, type: number, key: string, data: string, expected: string): KnownAnswer {
  return {
    name,
    covers: [type],
    compute: () => perform.sign(plain(type), secret(key), hex(data), noSigner),
    expected,
  };
}

const KEY_28 = '264a8d2128e8fd0972d9acc66dc275b1286beeb0aff7ce8e97c7b96c';
const KEY_32 = 'de8b5b5b2f09645be47ecb6407a4e1d9c6b33ae3c2d22517d3357da0357a3139';
const KEY_48 =
  '686a3730085cc944fceb141628419818e662fe21e52bea2748f3b704f80ce801086db1e3068917b242e62b4d6e6ed685';
const KEY_64 =
  '4bc0d32e945cfdafd20d39be3820f9649727cbda5ab5859953a322cbde1ab7a514d7dcd14ba90905e70919bb86b85cfeaa375ee2ce2703711b938c8f4ab5f178';

/** Wycheproof, vector 5 or 6 of each hash; SP 800-38B, D.1, example 2. */
const MACS: readonly KnownAnswer[] = [
  mac(
    'hmac-sha224',
    CKM.SHA224_HMAC,
    KEY_28,
    '25838e50',
    'b25c33bba1a91024f42cfb93232ad685d54be2ca310b0ff9ba5107b8',
  ),
  mac(
    'hmac-sha256',
    CKM.SHA256_HMAC,
    KEY_32,
    'cc021d65',
    'e87538eb167e62d7cb236690ff3f034a9c12d417aa8dfa694d7405f9e1f85fe8',
  ),
  mac(
    'hmac-sha384',
    CKM.SHA384_HMAC,
    KEY_48,
    '6601c683',
    '10dc39103983b3a6be376a8eda7b6f363cb91efe11b027a62440ae136bd66f98b0a1d8b8f2399099492021076afa14a0',
  ),
  mac(
    'hmac-sha512',
    CKM.SHA512_HMAC,
    KEY_64,
    'b2aa48b3',
    'c4ecdbd2efb17640ce6707e2e9d0ee5bfb98b91584bc86ab386437eaa37b0f2eb70500361105416c0dcecff389dc94c723fcff18cb801740962312007a195a23',
  ),
  mac(
    'hmac-sha512-224',
    CKM.SHA512_224_HMAC,
    KEY_28,
    '25838e50',
    'bebb169e5470c13fcae6e3f9726a6d8894bf22e72dcddf6ebc669345',
  ),
  mac(
    'hmac-sha512-256',
    CKM.SHA512_256_HMAC,
    KEY_32,
    'cc021d65',
    'df7cf9e3cbc2770d2ca7f91f8c3acb7f7d1c8d549706cd54c6cd14725b268468',
  ),
  mac(
    'hmac-sha3-224',
    CKM.SHA3_224_HMAC,
    KEY_28,
    '25838e50',
    'edffc65c657d16730fe63bb6326ab7fd4366596ed6a62c26ae43d3d8',
  ),
  mac(
    'hmac-sha3-256',
    CKM.SHA3_256_HMAC,
    KEY_32,
    'cc021d65',
    '8a5db60345aa7cc4afb39e645ede87b16e73d37df045623ec58e9e901f96e224',
  ),
  mac(
    'hmac-sha3-384',
    CKM.SHA3_384_HMAC,
    KEY_48,
    '6601c683',
    '9911d4e5f30167ec382b7f7b394310a7ea5ecd0394eddea94382f05a8af9533b0b72024711180add607d290e5f4602dc',
  ),
  mac(
    'hmac-sha3-512',
    CKM.SHA3_512_HMAC,
    KEY_64,
    'b2aa48b3',
    '6daf3dad42636bfd962246b0b314c939a4fd0a9ae46efec848a56bb6b85de6c47b60243644aa5e4658a4042f8577b388bdf544e120fb32b1af10f0f84b8ae4ca',
  ),
  mac(
    'aes-cmac',
    CKM.AES_CMAC,
    '2b7e151628aed2a6abf7158809cf4f3c',
    '6bc1bee22e409f96e93d7e117393172a',
    '070a16b46b4d4144f79bdd9dd04a287c',
  ),
];

/** Both directions: the ciphertext, and behind it what it opens to. */
function cipher(mechanism: Mechanism, name: string, key: string, clear: string, sealed: string) {
  return {
    name,
    covers: [mechanism.type],
    compute: (): Uint8Array => {
      const made = perform.encrypt(mechanism, secret(key), hex(clear));
      const opened = perform.decrypt(mechanism, secret(key), hex(sealed));
      return Uint8Array.from([...made, ...opened]);
    },
    expected: sealed + clear,
  };
}

const AES_128 = '2b7e151628aed2a6abf7158809cf4f3c';
const AES_256 = '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4';
const BLOCKS = '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51';

const CIPHERS: readonly KnownAnswer[] = [
  // SP 800-38A, F.2.5 and F.5.1.
  cipher(
    {
      type: CKM.AES_CBC,
      parameter: { kind: 'iv', iv: hex('000102030405060708090a0b0c0d0e0f') },
    },
    'aes-cbc',
    AES_256,
    BLOCKS,
    'f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d',
  ),
  cipher(
    {
      type: CKM.AES_CTR,
      parameter: { kind: 'ctr', counterBits: 128, block: hex('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff') },
    },
    'aes-ctr',
    AES_128,
    BLOCKS,
    '874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff',
  ),
  // Wycheproof, aes_cbc_pkcs5, vector 147.
  cipher(
    {
      type: CKM.AES_CBC_PAD,
      parameter: { kind: 'iv', iv: hex('e70d83a77a2ce722ac214c00837acedf') },
    },
    'aes-cbc-pad',
    '96e1e4896fb2cd05f133a6a100bc5609a7ac3ca6d81721e922dadd69ad07a892',
    '91a17e4dfcc3166a1add26ff0e7c12056e8a654f28a6de24f4ba739ceb5b5b18',
    'a615a39ff8f59f82cf72ed13e1b01e32459700561be112412961365c7a0b58aa7a16d68c065e77ebe504999051476bd7',
  ),
  // The GCM specification, test case 14.
  cipher(
    {
      type: CKM.AES_GCM,
      parameter: { kind: 'gcm', iv: new Uint8Array(12), aad: new Uint8Array(), tagBits: 128 },
    },
    'aes-gcm',
    '00'.repeat(32),
    '00'.repeat(16),
    'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
  ),
];

function wrapping(name: string, type: number, key: string, clear: string, wrapped: string) {
  return {
    name,
    covers: [type],
    compute: (): Uint8Array => {
      const made = perform.wrap(plain(type), secret(key), hex(clear));
      const opened = perform.unwrap(plain(type), secret(key), hex(wrapped));
      return Uint8Array.from([...made, ...opened]);
    },
    expected: wrapped + clear,
  };
}

const WRAPS: readonly KnownAnswer[] = [
  // RFC 3394, 4.6.
  wrapping(
    'aes-kw',
    CKM.AES_KEY_WRAP,
    '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
    '00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f',
    '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21',
  ),
  // RFC 5649, 6: 20 octets.
  wrapping(
    'aes-kwp',
    CKM.AES_KEY_WRAP_KWP,
    '5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8',
    'c37b7e6492584340bed12207808941155068f738',
    '138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a',
  ),
];

/** RFC 5869, A.1: the whole, and its two steps. */
const HKDF_PARAMETER = {
  kind: 'hkdf',
  hash: CKM.SHA256,
  salt: hex('000102030405060708090a0b0c'),
  info: hex('f0f1f2f3f4f5f6f7f8f9'),
} as const;

function hkdf(
  name: string,
  steps: { readonly extract: boolean; readonly expand: boolean },
  key: string,
  length: number,
  expected: string,
): KnownAnswer {
  return {
    name,
    covers: [CKM.HKDF_DERIVE],
    compute: () =>
      perform.derive(
        { type: CKM.HKDF_DERIVE, parameter: { ...HKDF_PARAMETER, ...steps } },
        secret(key),
        length,
      ),
    expected,
  };
}

const PSEUDORANDOM = '077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5';
const OUTPUT =
  '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865';

const DERIVATIONS: readonly KnownAnswer[] = [
  hkdf('hkdf', { extract: true, expand: true }, '0b'.repeat(22), 42, OUTPUT),
  hkdf('hkdf-extract', { extract: true, expand: false }, '0b'.repeat(22), 32, PSEUDORANDOM),
  hkdf('hkdf-expand', { extract: false, expand: true }, PSEUDORANDOM, 42, OUTPUT),
];

export const SECRET_ANSWERS: readonly KnownAnswer[] = [
  ...DIGESTS,
  ...MACS,
  ...CIPHERS,
  ...WRAPS,
  ...DERIVATIONS,
];

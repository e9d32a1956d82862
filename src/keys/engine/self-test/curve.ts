import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { utf8 } from '../../../bytes/text.ts';
import { publicAttributes } from '../mechanism/key-material.ts';
import type { MechanismParameter } from '../mechanism/mechanism.ts';
import * as perform from '../mechanism/perform.ts';
import { CKA, CKD, CKK, CKM } from '../pkcs11.ts';
import {
  digestOf,
  hex,
  plain,
  privateKey,
  publicKey,
  signsAndVerifies,
  verified,
} from './answer.ts';
import type { KnownAnswer } from './answer.ts';

/** Known answers on curves: ECDSA, ECDH, EdDSA. */

const P256 = '06082a8648ce3d030107';
const P384 = '06052b81040022';
const P521 = '06052b81040023';
const K256 = '06052b8104000a';

/** RFC 6979, A.2.5: the private value and its public point. */
const VALUE = 'c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721';
const POINT =
  '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299';
const SAMPLE = utf8('sample');
const SIGNATURE_256 =
  'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8';

function onCurve(oid: string, point: string): () => KeyObject {
  return () =>
    publicKey([CKA.KEY_TYPE, CKK.EC], [CKA.EC_PARAMS, hex(oid)], [CKA.EC_POINT, hex(point)]);
}

function valueOn(oid: string, keyType: number, value: string): KeyObject {
  return privateKey([CKA.KEY_TYPE, keyType], [CKA.EC_PARAMS, hex(oid)], [CKA.VALUE, hex(value)]);
}

function pairP256(): { privateKey: KeyObject; publicKey: KeyObject } {
  const own = valueOn(P256, CKK.EC, VALUE);
  return { privateKey: own, publicKey: createPublicKey(own) };
}

/** The public value that belongs to a private one. */
function publicPoint(
  name: string,
  type: number,
  oid: string,
  keyType: number,
  value: string,
  expected: string,
): KnownAnswer {
  return {
    name,
    covers: [type],
    compute: () => {
      const point = publicAttributes(createPublicKey(valueOn(oid, keyType, value))).get(
        CKA.EC_POINT,
      );
      // In an OCTET STRING of less than 128 bytes.
      return point instanceof Uint8Array ? point.subarray(2) : new Uint8Array();
    },
    expected,
  };
}

/** RFC 6979, A.2.5 to A.2.7, `sample`; Wycheproof, ecdsa_secp256k1_sha256_p1363, vector 1. */
const ECDSA: readonly KnownAnswer[] = [
  publicPoint('ec-key-pair-gen', CKM.EC_KEY_PAIR_GEN, P256, CKK.EC, VALUE, POINT),
  verified('ecdsa-sha224', plain(CKM.ECDSA_SHA224), onCurve(P256, POINT), SAMPLE, () =>
    hex(
      '53b2fff5d1752b2c689df257c04c40a587fababb3f6fc2702f1343af7ca9aa3fb9afb64fdc03dc1a131c7d2386d11e349f070aa432a4acc918bea988bf75c74c',
    ),
  ),
  verified('ecdsa-sha256', plain(CKM.ECDSA_SHA256), onCurve(P256, POINT), SAMPLE, () =>
    hex(SIGNATURE_256),
  ),
  verified('ecdsa-sha384', plain(CKM.ECDSA_SHA384), onCurve(P256, POINT), SAMPLE, () =>
    hex(
      '0eafea039b20e9b42309fb1d89e213057cbf973dc0cfc8f129edddc800ef77194861f0491e6998b9455193e34e7b0d284ddd7149a74b95b9261f13abde940954',
    ),
  ),
  verified('ecdsa-sha512', plain(CKM.ECDSA_SHA512), onCurve(P256, POINT), SAMPLE, () =>
    hex(
      '8496a60b5e9b47c825488827e0495b0e3fa109ec4568fd3f8d1097678eb97f002362ab1adbe2b8adf9cb9edab740ea6049c028114f2460f96554f61fae3302fe',
    ),
  ),
  verified('ecdsa', plain(CKM.ECDSA), onCurve(P256, POINT), digestOf(SAMPLE), () =>
    hex(SIGNATURE_256),
  ),
  signsAndVerifies('ecdsa-signature', plain(CKM.ECDSA), pairP256),
  signsAndVerifies('ecdsa-sha256-signature', plain(CKM.ECDSA_SHA256), pairP256),
  verified(
    'ecdsa-p384',
    plain(CKM.ECDSA_SHA384),
    onCurve(
      P384,
      '04ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc138015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720',
    ),
    SAMPLE,
    () =>
      hex(
        '94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe4699ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8',
      ),
  ),
  verified(
    'ecdsa-p521',
    plain(CKM.ECDSA_SHA512),
    onCurve(
      P521,
      '0401894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd371123d46e45db6b5d5370a7f20fb633155d38ffa16d2bd761dcac474b9a2f5023a400493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f746a28a0db25741b5b34a828008b22acc23f924faafbd4d33f81ea66956dfeaa2bfdfcf5',
    ),
    SAMPLE,
    () =>
      hex(
        '00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606add152b534931d7d4e8455cc91f9b15bf05ec36e377fa00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af282623eaa63e5b5c0723d8b8c37ff0777b1a20f8ccb1dccc43997f1ee0e44da4a67a',
      ),
  ),
  verified(
    'ecdsa-secp256k1',
    plain(CKM.ECDSA_SHA256),
    onCurve(
      K256,
      '04b838ff44e5bc177bf21189d0766082fc9d843226887fc9760371100b7ee20a6ff0c9d75bfba7b31a6bca1974496eeb56de357071955d83c4b1badaa0b21832e9',
    ),
    hex('313233343030'),
    () =>
      hex(
        '813ef79ccefa9a56f7ba805f0e478584fe5f0dd5f567bc09b5123ccbc9832365900e75ad233fcc908509dbff5922647db37c21f4afd3203ae8dc4ae7794b0f87',
      ),
  ),
];

function agreement(
  name: string,
  oid: string,
  keyType: number,
  value: string,
  peer: string,
  expected: string,
): KnownAnswer {
  const parameter = (): MechanismParameter => ({
    kind: 'ecdh',
    kdf: CKD.NULL,
    sharedData: new Uint8Array(),
    publicData: hex(peer),
  });
  return {
    name,
    covers: [CKM.ECDH1_DERIVE],
    compute: () =>
      perform.derive(
        { type: CKM.ECDH1_DERIVE, parameter: parameter() },
        valueOn(oid, keyType, value),
        undefined,
      ),
    expected,
  };
}

/** Wycheproof, the first vector that is an ordinary one. */
const ECDH: readonly KnownAnswer[] = [
  agreement(
    'ecdh-p256',
    P256,
    CKK.EC,
    '0612465c89a023ab17855b0a6bcebfd3febb53aef84138647b5352e02c10c346',
    '0462d5bd3372af75fe85a040715d0f502428e07046868b0bfdfa61d731afe44f26ac333a93a9e70a81cd5a95b5bf8d13990eb741c8c38872b4a07d275a014e30cf',
    '53020d908b0219328b658b525f26780e3ae12bcd952bb25a93bc0895e1714285',
  ),
  agreement(
    'ecdh-p384',
    P384,
    CKK.EC,
    '766e61425b2da9f846c09fc3564b93a6f8603b7392c785165bf20da948c49fd1fb1dee4edd64356b9f21c588b75dfd81',
    '04790a6e059ef9a5940163183d4a7809135d29791643fc43a2f17ee8bf677ab84f791b64a6be15969ffa012dd9185d8796d9b954baa8a75e82df711b3b56eadff6b0f668c3b26b4b1aeb308a1fcc1c680d329a6705025f1c98a0b5e5bfcb163caa',
    '6461defb95d996b24296f5a1832b34db05ed031114fbe7d98d098f93859866e4de1e229da71fef0c77fe49b249190135',
  ),
  agreement(
    'ecdh-p521',
    P521,
    CKK.EC,
    '01939982b529596ce77a94bc6efd03e92c21a849eb4f87b8f619d506efc9bb22e7c61640c90d598f795b64566dc6df43992ae34a1341d458574440a7371f611c7dcd',
    '040064da3e94733db536a74a0d8a5cb2265a31c54a1da6529a198377fbd38575d9d79769ca2bdf2d4c972642926d444891a652e7f492337251adf1613cf3077999b5ce00e04ad19cf9fd4722b0c824c069f70c3c0e7ebc5288940dfa92422152ae4a4f79183ced375afb54db1409ddf338b85bb6dbfc5950163346bb63a90a70c5aba098f7',
    '01f1e410f2c6262bce6879a3f46dfb7dd11d30eeee9ab49852102e1892201dd10f27266c2cf7cbccc7f6885099043dad80ff57f0df96acf283fb090de53df95f7d87',
  ),
  agreement(
    'ecdh-secp256k1',
    K256,
    CKK.EC,
    'f4b7ff7cccc98813a69fae3df222bfe3f4e28f764bf91b4a10d8096ce446b254',
    '04d8096af8a11e0b80037e1ee68246b5dcbb0aeb1cf1244fd767db80f3fa27da2b396812ea1686e7472e9692eaf3e958e50e9500d3b4c77243db1f2acd67ba9cc4',
    '544dfae22af6af939042b1d85b71a1e49e9a5614123c4d6ad0c8af65baf87d65',
  ),
  agreement(
    'x25519',
    '06032b656e',
    CKK.EC_MONTGOMERY,
    'a046e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449a44',
    'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
    'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
  ),
  agreement(
    'x448',
    '06032b656f',
    CKK.EC_MONTGOMERY,
    '9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28dd9c9baf574a9419744897391006382a6f127ab1d9ac2d8c0a598726b',
    '3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b43027d8b972fc3e34fb4232a13ca706dcb57aec3dae07bdc1c67bf33609',
    '07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282bb60c0b56fd2464c335543936521c24403085d59a449a5037514a879d',
  ),
  // RFC 7748, 6.1: Alice.
  publicPoint(
    'ec-montgomery-key-pair-gen',
    CKM.EC_MONTGOMERY_KEY_PAIR_GEN,
    '06032b656e',
    CKK.EC_MONTGOMERY,
    '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
    '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
  ),
];

function eddsa(
  name: string,
  oid: string,
  value: string,
  parameter: MechanismParameter,
  data: string,
  expected: string,
): KnownAnswer {
  return {
    name,
    covers: [CKM.EDDSA],
    compute: (signer) => {
      const mechanism = { type: CKM.EDDSA, parameter };
      const key = valueOn(oid, CKK.EC_EDWARDS, value);
      const signature = perform.sign(mechanism, key, hex(data), signer);
      const right = perform.verify(mechanism, createPublicKey(key), hex(data), signature, signer);
      return right ? signature : new Uint8Array();
    },
    expected,
  };
}

/** RFC 8032, 7.1 test 1, 7.2 `foo`, 7.4 blank. */
const EDDSA: readonly KnownAnswer[] = [
  publicPoint(
    'ec-edwards-key-pair-gen',
    CKM.EC_EDWARDS_KEY_PAIR_GEN,
    '06032b6570',
    CKK.EC_EDWARDS,
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  ),
  eddsa(
    'eddsa',
    '06032b6570',
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    { kind: 'none' },
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ),
  eddsa(
    'eddsa-context',
    '06032b6570',
    '0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6',
    { kind: 'eddsa', prehash: false, context: utf8('foo') },
    'f726936d19c800494e3fdaff20b276a8',
    '55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a8b36950b95130022907a7fb7c4e9b2d5f6cca685a587b4b21f4b888e4e7edb0d',
  ),
  eddsa(
    'eddsa-ed448',
    '06032b6571',
    '6c82a562cb808d10d632be89c8513ebf6c929f34ddfa8c9f63c9960ef6e348a3528c8a3fcc2f044e39a3fc5b94492f8f032e7549a20098f95b',
    { kind: 'none' },
    '',
    '533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d7828c59bd0a21bfd3980ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4dbb61149f05a7363268c71d95808ff2e652600',
  ),
];

export const CURVE_ANSWERS: readonly KnownAnswer[] = [...ECDSA, ...ECDH, ...EDDSA];

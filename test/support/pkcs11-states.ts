// A front with one client that is logged in, and the keys that the tests of states work with.
import assert from 'node:assert/strict';
import { utf8 } from '../../src/bytes/text.ts';
import { CKA, CKK, CKM, CKO } from '../../src/keys/engine/pkcs11.ts';
import { mechanism, startClient, template, ulong, wanted } from './pkcs11-client.ts';
import type { Argument, Attributes, RpcClient } from './pkcs11-client.ts';
import { startFront } from './pkcs11-front.ts';
import type { RunningFront } from './pkcs11-front.ts';

export const PIN = '1234567890';
export const SO_PIN = '0987654321';

/** What is signed and encrypted, and the values of the secret keys. */
export const DATA: Uint8Array = utf8('what is to be signed, or encrypted');
export const AES: Uint8Array = Uint8Array.from({ length: 16 }, (_, index) => index);
export const MAC: Uint8Array = Uint8Array.from({ length: 32 }, (_, index) => index);

export interface StateTest extends AsyncDisposable {
  readonly running: RunningFront;
  readonly client: RpcClient;
  /** The session, as the first argument of every call. */
  readonly session: Argument;
  /** AES for encryption, an HMAC key, and the halves of an ECDSA key on P-256. */
  readonly aes: Argument;
  readonly mac: Argument;
  readonly publicKey: Argument;
  readonly privateKey: Argument;
  readonly secretKey: (...attributes: Attributes) => Promise<Argument>;
  /** The value of a byte attribute. */
  readonly attribute: (object: Argument, type: number) => Promise<Uint8Array>;
}

export async function startStates(): Promise<StateTest> {
  const running = await startFront({ pin: PIN, soPin: SO_PIN });
  const { client, session: handle } = await startClient(running.path, PIN);
  const session = ulong(handle);
  const secretKey = async (...attributes: Attributes): Promise<Argument> => {
    const reply = await client.ok(
      'CreateObject',
      session,
      template([CKA.CLASS, CKO.SECRET_KEY], [CKA.TOKEN, false], ...attributes),
    );
    return ulong(reply.ulong());
  };
  const pair = await client.ok(
    'GenerateKeyPair',
    session,
    mechanism(CKM.EC_KEY_PAIR_GEN),
    template([CKA.EC_PARAMS, Uint8Array.fromHex('06082a8648ce3d030107')], [CKA.VERIFY, true]),
    template([CKA.SIGN, true], [CKA.PRIVATE, true]),
  );
  const [publicKey, privateKey] = [ulong(pair.ulong()), ulong(pair.ulong())];
  return {
    running,
    client,
    session,
    aes: await secretKey([CKA.KEY_TYPE, CKK.AES], [CKA.VALUE, AES], [CKA.ENCRYPT, true]),
    mac: await secretKey([CKA.KEY_TYPE, CKK.GENERIC_SECRET], [CKA.VALUE, MAC], [CKA.SIGN, true]),
    publicKey,
    privateKey,
    secretKey,
    attribute: async (object, type) => {
      const reply = await client.ok('GetAttributeValue', session, object, wanted([type, 4096]));
      assert.equal(reply.u32(), 1);
      assert.equal(reply.u32(), type);
      assert.equal(reply.byte(), 1);
      const length = reply.u32();
      assert.equal(reply.u32(), length);
      return Uint8Array.from({ length }, () => reply.byte());
    },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await running[Symbol.asyncDispose]();
    },
  };
}

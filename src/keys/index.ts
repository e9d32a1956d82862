/**
 * Keys: an HSM in software. `connectKeys(home)` reaches a running key process; `Vault` is the
 * engine itself, for the process that holds the keys. Private and secret values live in the key
 * process alone, as OpenSSL key objects; what goes over the socket is names, handles, data and
 * results.
 */
export {
  KeysClient,
  SCHEME_NAMES,
  connectKeys,
  keyTypeNamed,
  prehashOf,
  schemeNamed,
  schemesOf,
  signatureOf,
} from './client.ts';
export type {
  ImportOptions,
  KeyInfo,
  KeyMaterial,
  KeyOptions,
  KeysStatus,
  Prehash,
} from './client.ts';
export { controlCalls, unlockAtStart } from './control.ts';
export type { Caller, KeysRequest, KeysService, ReplyTo } from './engine/request.ts';
export type { Mechanism } from './engine/mechanism/mechanism.ts';
export { PURPOSES } from './engine/purpose.ts';
export type { Purpose } from './engine/purpose.ts';
export { KeysError } from './errors.ts';
export { serveClient } from './fronts/client/server.ts';
export type { DigestSigner } from './engine/mechanism/raw.ts';
export { Pkcs11Front } from './fronts/pkcs11/server.ts';
export { SshAgent } from './fronts/ssh-agent/agent.ts';
export { serveAgent } from './fronts/ssh-agent/server.ts';
export { KEY_TYPES } from './key-type.ts';
export { createDisk } from './store/disk.ts';
export type { Disk } from './store/disk.ts';
export { openStore } from './store/sqlite.ts';
export { Vault } from './vault.ts';

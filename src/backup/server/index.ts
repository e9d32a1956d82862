/**
 * The backup server: restic's REST protocol (versions 1 and 2) over a folder or another target.
 * `startBackupServer` starts one; accounts are a JSON file that holds no password.
 */
export { parseAccounts, isPathWord, randomPassword, secretOf } from './accounts.ts';
export type { AccountFile } from './accounts.ts';
export { startBackupServer } from './server.ts';
export type { Access, BackupServer, BackupServerOptions } from './server.ts';
export { openStorage } from './storage.ts';
export type { Storage } from './storage.ts';

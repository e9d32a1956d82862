import type { CommandEntry } from './command.ts';

const keyCommands = () => import('./commands/key.ts');
const lockCommands = () => import('./commands/lock.ts');

/** Every command, in the order of the overview. A part adds its own list here, one line a command. */
export const commands: readonly CommandEntry[] = [
  { name: 'init', load: async () => (await import('./commands/init.ts')).init },
  { name: 'up', load: async () => (await import('./commands/up.ts')).up },
  { name: 'status', load: async () => (await import('./commands/status.ts')).status },
  { name: 'unlock', load: async () => (await lockCommands()).unlock },
  { name: 'lock', load: async () => (await lockCommands()).lock },
  { name: 'confirm', load: async () => (await import('./commands/confirm.ts')).confirm },
  { name: 'key create', load: async () => (await keyCommands()).keyCreate },
  { name: 'key list', load: async () => (await keyCommands()).keyList },
  { name: 'key show', load: async () => (await keyCommands()).keyShow },
  { name: 'key sign', load: async () => (await keyCommands()).keySign },
  { name: 'key verify', load: async () => (await keyCommands()).keyVerify },
  { name: 'key encrypt', load: async () => (await keyCommands()).keyEncrypt },
  { name: 'key decrypt', load: async () => (await keyCommands()).keyDecrypt },
  { name: 'key rename', load: async () => (await keyCommands()).keyRename },
  { name: 'key destroy', load: async () => (await keyCommands()).keyDestroy },
  {
    name: 'ssh-agent env',
    load: async () => (await import('./commands/ssh-agent.ts')).sshAgentEnv,
  },
  { name: 'pkcs11 env', load: async () => (await import('./commands/pkcs11.ts')).pkcs11Env },
  {
    name: 'backup serve',
    load: async () => (await import('./commands/backup-server.ts')).backupServe,
  },
  {
    name: 'backup account',
    load: async () => (await import('./commands/backup-server.ts')).backupAccount,
  },
  { name: 'help', load: async () => (await import('./commands/help.ts')).help },
];

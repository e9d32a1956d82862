import type { CommandEntry } from './command.ts';

const lockCommands = () => import('./commands/lock.ts');
const keyMaking = () => import('./commands/key-make.ts');
const keyShowing = () => import('./commands/key-show.ts');
const keyUsing = () => import('./commands/key-use.ts');
const pinCommands = () => import('./commands/pin.ts');
const agentCommands = () => import('./commands/ssh-agent.ts');

/** Every command, in the order of the overview. A part adds its own list here, one line a command. */
export const commands: readonly CommandEntry[] = [
  { name: 'init', load: async () => (await import('./commands/init.ts')).init },
  { name: 'up', load: async () => (await import('./commands/up.ts')).up },
  { name: 'status', load: async () => (await import('./commands/status.ts')).status },
  { name: 'unlock', load: async () => (await lockCommands()).unlock },
  { name: 'lock', load: async () => (await lockCommands()).lock },
  { name: 'confirm', load: async () => (await import('./commands/confirm.ts')).confirm },
  { name: 'pin change', load: async () => (await pinCommands()).pinChange },
  { name: 'pin unblock', load: async () => (await pinCommands()).pinUnblock },
  { name: 'key create', load: async () => (await keyMaking()).keyCreate },
  { name: 'key list', load: async () => (await keyShowing()).keyList },
  { name: 'key show', load: async () => (await keyShowing()).keyShow },
  { name: 'key sign', load: async () => (await keyUsing()).keySign },
  { name: 'key verify', load: async () => (await keyUsing()).keyVerify },
  { name: 'key encrypt', load: async () => (await keyUsing()).keyEncrypt },
  { name: 'key decrypt', load: async () => (await keyUsing()).keyDecrypt },
  { name: 'key wrap', load: async () => (await keyMaking()).keyWrap },
  { name: 'key unwrap', load: async () => (await keyMaking()).keyUnwrap },
  { name: 'key import', load: async () => (await keyMaking()).keyImport },
  { name: 'key rename', load: async () => (await keyShowing()).keyRename },
  { name: 'key destroy', load: async () => (await keyShowing()).keyDestroy },
  { name: 'ssh-agent env', load: async () => (await agentCommands()).sshAgentEnv },
  { name: 'ssh-agent offer', load: async () => (await agentCommands()).sshAgentOffer },
  { name: 'pkcs11 env', load: async () => (await import('./commands/pkcs11.ts')).pkcs11Env },
  {
    name: 'backup serve',
    load: async () => (await import('./commands/backup-server.ts')).backupServe,
  },
  {
    name: 'backup account',
    load: async () => (await import('./commands/backup-server.ts')).backupAccount,
  },
  { name: 'completion', load: async () => (await import('./commands/completion.ts')).completion },
  { name: 'help', load: async () => (await import('./commands/help.ts')).help },
];

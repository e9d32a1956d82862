import type { Command } from '../command.ts';
import { secretFile, withKeys } from '../strongroom.ts';

/** `strongroom lock`: drops every key from memory. */
export const lock: Command = {
  summary: 'drop the master key and every key from memory',
  usage: '',
  help: '',
  example: 'strongroom lock',
  options: {},
  positionals: [0, 0],
  async run(_call, output) {
    await withKeys((client) => client.call('lock'));
    output.result('locked', { state: 'locked' });
    return 0;
  },
};

/** `strongroom unlock`: opens the master key again. */
export const unlock: Command = {
  summary: 'open the master key',
  usage: '[--passphrase-file FILE]',
  help: '  --passphrase-file FILE  the passphrase is the first line of FILE (/dev/stdin to type or pipe it)',
  example: 'strongroom unlock --passphrase-file /dev/stdin',
  options: { 'passphrase-file': { type: 'string' } },
  positionals: [0, 0],
  async run(call, output) {
    const path = call.text('passphrase-file');
    const passphrase = path === undefined ? null : secretFile(path);
    await withKeys((client) => client.call('unlock', { passphrase }));
    output.result('unlocked', { state: 'operational' });
    return 0;
  },
};

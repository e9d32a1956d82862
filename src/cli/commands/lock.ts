import type { Command } from '../command.ts';
import { secret, secretFiles, secretOptions } from '../secret.ts';
import { withKeys } from '../strongroom.ts';

/** `strongroom lock`: drops every key from memory. */
export const lock: Command = {
  summary: 'drop the master key and every key from memory',
  usage: '',
  help: 'Keys that ssh-add brought in with a lifetime are gone for good; every other key stays stored.',
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
  usage: '[--passphrase-file FILE | --passphrase-fd NUMBER]',
  help: [
    '  --passphrase-file FILE   the passphrase is the first line of FILE, /dev/stdin to pipe it',
    '  --passphrase-fd NUMBER   or of a file descriptor',
    'STRONGROOM_PASSPHRASE_FILE may name the file too; else the terminal is asked. A strongroom whose',
    'master key lies in a file needs none. Each wrong passphrase waits longer; after ten it is locked.',
  ].join('\n'),
  example: 'strongroom unlock',
  options: secretOptions('passphrase'),
  values: secretFiles('passphrase'),
  positionals: [0, 0],
  async run(call, output) {
    await withKeys(async (client) => {
      const { state, seals } = await client.status();
      if (state !== 'operational') {
        const needed = seals.some((seal) => seal.kind === 'passphrase');
        const asked = { name: 'passphrase', prompt: 'passphrase of the strongroom' };
        const passphrase = needed ? await secret(call, asked) : null;
        try {
          await client.call('unlock', { passphrase });
        } finally {
          passphrase?.fill(0);
        }
      }
    });
    output.result('unlocked', { state: 'operational' });
    return 0;
  },
};

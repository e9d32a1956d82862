import { layoutOf } from '../../node/layout.ts';
import { homeFolder } from '../../node/home.ts';
import { Supervisor } from '../../node/supervisor.ts';
import { connectKeys } from '../../keys/index.ts';
import type { Command } from '../command.ts';
import { provision, showPins } from '../provision.ts';
import { secretFile } from '../strongroom.ts';

/** `strongroom init`: makes a strongroom, in a key process of its own where none runs. */
export const init: Command = {
  summary: 'make a strongroom in the home folder',
  usage: '[--passphrase-file FILE] [--pin-file FILE] [--so-pin-file FILE] [--label TEXT]',
  help: [
    '  --passphrase-file FILE  open the master key with the passphrase in the first line of FILE;',
    '                          without it the master key lies in a file beside the store',
    '  --pin-file FILE         the PIN; made up and shown once when left out',
    '  --so-pin-file FILE      the PIN of the security officer, likewise',
    '  --label TEXT            a name for the token, 32 characters at the most',
  ].join('\n'),
  example: 'strongroom init --passphrase-file ./passphrase',
  options: {
    'passphrase-file': { type: 'string' },
    'pin-file': { type: 'string' },
    'so-pin-file': { type: 'string' },
    label: { type: 'string' },
  },
  positionals: [0, 0],
  async run(call, output) {
    const layout = layoutOf(homeFolder());
    const supervisor = new Supervisor(layout, {
      onReady: () => undefined,
      onWarning: (text) => output.note(`warning: ${text}`),
      onRestart: () => undefined,
      onConfirm: () => undefined,
      onConfirmOver: () => undefined,
    });
    const running = await connectKeys(layout.home).catch(() => undefined);
    if (running === undefined) await supervisor.start();
    const client = running ?? (await connectKeys(layout.home));
    const [passphraseFile, pinFile, soPinFile] = ['passphrase-file', 'pin-file', 'so-pin-file'].map(
      (option) => call.text(option),
    );
    try {
      const made = await provision(
        client,
        passphraseFile === undefined
          ? { kind: 'file' }
          : { kind: 'passphrase', passphrase: secretFile(passphraseFile) },
        {
          ...(pinFile === undefined ? {} : { pin: secretFile(pinFile) }),
          ...(soPinFile === undefined ? {} : { soPin: secretFile(soPinFile) }),
        },
        call.text('label') ?? 'Strongroom',
      );
      output.result(`${showPins(made)}\nstart it with \`strongroom up\``, made);
    } finally {
      client.close();
      await supervisor.stop();
    }
    return 0;
  },
};

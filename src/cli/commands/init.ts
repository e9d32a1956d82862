import { connectKeys } from '../../keys/client.ts';
import { homeFolder } from '../../node/home.ts';
import { layoutOf } from '../../node/layout.ts';
import { Supervisor } from '../../node/supervisor.ts';
import type { Command, Invocation } from '../command.ts';
import { provision, showPins } from '../provision.ts';
import type { SealChoice } from '../provision.ts';
import { givenSecret, secret, secretFiles, secretOptions } from '../secret.ts';

async function sealOf(call: Invocation): Promise<SealChoice> {
  const given = givenSecret(call, 'passphrase');
  if (given !== undefined) return { kind: 'passphrase', passphrase: given };
  if (!call.flag('passphrase')) return { kind: 'file' };
  const asked = { name: 'passphrase', prompt: 'passphrase of the strongroom', isNew: true };
  return { kind: 'passphrase', passphrase: await secret(call, asked) };
}

/** `strongroom init`: makes a strongroom, in a key process of its own where none runs. */
export const init: Command = {
  summary: 'make a strongroom in the home folder',
  usage:
    '[--passphrase | --passphrase-file FILE] [--pin-file FILE] [--so-pin-file FILE] [--label TEXT]',
  help: [
    '  --passphrase            ask for a passphrase that opens the master key; without one the master',
    '                          key lies in a file beside the store',
    '  --passphrase-file FILE  the passphrase is the first line of FILE; 8 bytes or more',
    '  --pin-file FILE         the PIN of PKCS#11 programs; made up and shown once when left out',
    '  --so-pin-file FILE      the PIN of the security officer, likewise',
    '  --label TEXT            a name for the token, 32 characters at the most',
    'Each FILE may be a file descriptor: --passphrase-fd, --pin-fd, --so-pin-fd NUMBER.',
  ].join('\n'),
  example: 'strongroom init --passphrase',
  options: {
    passphrase: { type: 'boolean' },
    ...secretOptions('passphrase', 'pin', 'so-pin'),
    label: { type: 'string' },
  },
  values: secretFiles('passphrase', 'pin', 'so-pin'),
  positionals: [0, 0],
  async run(call, output) {
    const layout = layoutOf(homeFolder());
    const seal = await sealOf(call);
    const [pin, soPin] = [givenSecret(call, 'pin'), givenSecret(call, 'so-pin')];
    const supervisor = new Supervisor(layout, {
      onReady: () => undefined,
      onWarning: (text) => output.note(`warning: ${text}`),
      onRestart: () => undefined,
      onConfirm: () => undefined,
      onConfirmOver: () => undefined,
    });
    const running = await connectKeys(layout.home).catch(() => undefined);
    if (running === undefined) await supervisor.start();
    try {
      const client = running ?? (await connectKeys(layout.home));
      try {
        const made = await provision(
          client,
          seal,
          {
            ...(pin === undefined ? {} : { pin }),
            ...(soPin === undefined ? {} : { soPin }),
          },
          call.text('label') ?? 'Strongroom',
        );
        const next = running === undefined ? '\nstart it with `strongroom up`' : '';
        output.result(`${showPins(made)}${next}`, { home: layout.home, seal: seal.kind, ...made });
      } finally {
        client.close();
      }
    } finally {
      for (const each of [pin, soPin]) each?.fill(0);
      if (seal.kind === 'passphrase') seal.passphrase.fill(0);
      await supervisor.stop();
    }
    return 0;
  },
};

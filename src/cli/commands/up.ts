import { connectKeys } from '../../keys/client.ts';
import { homeFolder } from '../../node/home.ts';
import { layoutOf } from '../../node/layout.ts';
import type { Layout } from '../../node/layout.ts';
import { Supervisor } from '../../node/supervisor.ts';
import { reasonOf } from '../../errors.ts';
import type { Command, Invocation } from '../command.ts';
import { UsageError } from '../output.ts';
import { provision, showPins } from '../provision.ts';
import { givenSecret, secretFiles, secretOptions } from '../secret.ts';
import { TerminalQuestions } from '../terminal-questions.ts';

/** What to try first, one line each service. */
function welcome(layout: Layout, state: string, restarts: number): string {
  const first = restarts === 0 ? `strongroom is up: ${state}` : `strongroom is up again: ${state}`;
  return [
    first,
    `  keys       ${layout.keysSocket}`,
    '             bin/strongroom key create mykey && echo hello | bin/strongroom key sign mykey',
    `  ssh-agent  ${layout.agentSocket}`,
    '             eval "$(bin/strongroom ssh-agent env)" && ssh-add -L',
    `  pkcs11     ${layout.pkcs11Socket}`,
    '             eval "$(bin/strongroom pkcs11 env)" && pkcs11-tool --module "$STRONGROOM_PKCS11_MODULE" -L',
    ...(state === 'locked' ? ['it is locked: bin/strongroom unlock'] : []),
  ].join('\n');
}

/** Makes a strongroom where there is none, and opens it where a passphrase was given. */
async function open(
  layout: Layout,
  passphrase: Uint8Array | undefined,
  tell: (text: string) => void,
): Promise<string> {
  const client = await connectKeys(layout.home);
  try {
    const { state } = await client.status();
    if (state === 'unprovisioned') {
      tell(showPins(await provision(client, { kind: 'file' })));
    } else if (state === 'locked' && passphrase !== undefined) {
      await client.call('unlock', { passphrase });
    }
    return (await client.status()).state;
  } finally {
    client.close();
  }
}

/** `--confirm-seconds`, in milliseconds. */
function patienceOf(call: Invocation): { readonly patience?: number } {
  const seconds = call.number('confirm-seconds');
  if (seconds === undefined) return {};
  if (seconds < 1 || seconds > 3600) throw new UsageError('--confirm-seconds takes 1 to 3600');
  return { patience: seconds * 1000 };
}

/** `strongroom up`: everything runs as long as this command does. */
export const up: Command = {
  summary: 'start the strongroom in the foreground, making one first if there is none',
  usage: '[--passphrase-file FILE | --passphrase-fd NUMBER] [--confirm-seconds SECONDS]',
  help: [
    '  --passphrase-file FILE, --passphrase-fd NUMBER',
    '                             open it with this passphrase, also after a restart of the key process',
    '  --confirm-seconds SECONDS  how long a key that asks waits for the answer: 60 when left out',
    '',
    'Starts the key process and its sockets and keeps them running until Ctrl-C. Where no strongroom',
    'exists yet, one is made whose master key lies in a file beside it: `strongroom init` makes one',
    'that opens with a passphrase instead.',
  ].join('\n'),
  example: 'strongroom up',
  options: { ...secretOptions('passphrase'), 'confirm-seconds': { type: 'string' } },
  values: secretFiles('passphrase'),
  positionals: [0, 0],
  async run(call, output) {
    const layout = layoutOf(homeFolder());
    const passphrase = givenSecret(call, 'passphrase');
    const note = (text: string): void => output.note(text);
    const supervisor: Supervisor = new Supervisor(
      layout,
      {
        onReady: () => {
          // The first time it is awaited below.
          if (supervisor.restarts === 0) return;
          open(layout, passphrase, note).then(
            (state) => note(welcome(layout, state, supervisor.restarts)),
            (error: unknown) => note(`warning: ${reasonOf(error)}`),
          );
        },
        onWarning: (text) => note(`warning: ${text}`),
        onRestart: (reason, delay) =>
          note(`the key process ended (${reason}); starting it again in ${delay} ms`),
        onConfirm: (id, question) => questions.ask(id, question),
        onConfirmOver: (id) => questions.over(id),
      },
      patienceOf(call),
    );
    const questions = new TerminalQuestions({
      answer: (id, allowed) => supervisor.answer(id, allowed),
      note,
    });
    const stopped = new Promise<void>((resolve) => {
      // `on`, not `once`: an impatient second Ctrl-C must not end it halfway.
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
        process.on(signal, () => resolve());
      }
    });
    try {
      await supervisor.start();
      const state = await open(layout, passphrase, note);
      output.result(welcome(layout, state, 0), { ...layout, state });
      if (!call.json) note('Ctrl-C stops it');
      await stopped;
    } finally {
      questions.close();
      passphrase?.fill(0);
      await supervisor.stop();
    }
    note('strongroom stopped');
    return 0;
  },
};

import { createInterface } from 'node:readline';
import { connectKeys } from '../../keys/index.ts';
import { homeFolder } from '../../node/home.ts';
import { layoutOf } from '../../node/layout.ts';
import type { Layout } from '../../node/layout.ts';
import { Supervisor } from '../../node/supervisor.ts';
import type { Command } from '../command.ts';
import type { Output } from '../output.ts';
import { provision, showPins } from '../provision.ts';

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

/** Asks about keys marked `confirm` on the terminal, one question after the other. */
function terminalQuestions(supervisor: () => Supervisor, output: Output) {
  const open = new Map<number, () => void>();
  return {
    ask(id: number, question: string): void {
      if (!process.stdin.isTTY) {
        output.note(`${question}: answer with \`strongroom confirm\``);
        return;
      }
      const lines = createInterface({ input: process.stdin, output: process.stderr });
      open.set(id, () => lines.close());
      lines.question(`${question}. Allow it? [y/N] `, (text) => {
        lines.close();
        open.delete(id);
        supervisor().answer(id, /^y(es)?$/i.test(text.trim()));
      });
    },
    over(id: number): void {
      open.get(id)?.();
      open.delete(id);
    },
  };
}

export const up: Command = {
  summary: 'start the strongroom in the foreground, making one first if there is none',
  usage: '',
  help: [
    'Starts the key process and its sockets and keeps them running until Ctrl-C. Where no strongroom',
    'exists yet, one is made whose master key lies in a file beside it: `strongroom init` makes one',
    'that opens with a passphrase instead.',
  ].join('\n'),
  example: 'strongroom up',
  options: {},
  positionals: [0, 0],
  async run(call, output) {
    const layout = layoutOf(homeFolder());
    const supervisor: Supervisor = new Supervisor(layout, {
      onReady: (state) => {
        if (supervisor.restarts > 0) output.note(welcome(layout, state, supervisor.restarts));
      },
      onWarning: (text) => output.note(`warning: ${text}`),
      onRestart: (reason, delay) =>
        output.note(`the key process ended (${reason}); starting it again in ${delay} ms`),
      onConfirm: (id, question) => questions.ask(id, question),
      onConfirmOver: (id) => questions.over(id),
    });
    const questions = terminalQuestions(() => supervisor, output);
    await supervisor.start();
    const stopped = new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
        process.once(signal, () => resolve());
      }
    });
    try {
      const client = await connectKeys(layout.home);
      try {
        if ((await client.status()).state === 'unprovisioned') {
          const made = await provision(client, { kind: 'file' });
          output.note(showPins(made));
        }
        const { state } = await client.status();
        output.result(welcome(layout, state, 0), { ...layout, state });
        if (!call.json) output.note('Ctrl-C stops it');
      } finally {
        client.close();
      }
      await stopped;
    } finally {
      await supervisor.stop();
    }
    output.note('strongroom stopped');
    return 0;
  },
};

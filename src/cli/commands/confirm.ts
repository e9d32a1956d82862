import { createInterface } from 'node:readline/promises';
import type { Command } from '../command.ts';
import { withKeys } from '../strongroom.ts';

interface Pending {
  readonly id: number;
  readonly question: string;
}

/** `strongroom confirm`: answers what keys marked `confirm` ask. */
export const confirm: Command = {
  summary: 'answer the questions of keys that ask before they are used',
  usage: '',
  help: '',
  example: 'strongroom confirm',
  options: {},
  positionals: [0, 0],
  async run(_call, output) {
    return await withKeys(async (client) => {
      const waiting = (await client.call('confirm-pending')) as object as readonly Pending[];
      const lines = createInterface({ input: process.stdin, output: process.stderr });
      try {
        for (const { id, question } of waiting) {
          const text = await lines.question(`${question}. Allow it? [y/N] `);
          await client.call('confirm-answer', { id, allowed: /^y(es)?$/i.test(text.trim()) });
        }
      } finally {
        lines.close();
      }
      output.result(waiting.length === 0 ? 'nothing waits' : '', { answered: waiting.length });
      return 0;
    });
  },
};

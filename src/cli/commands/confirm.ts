import { setTimeout as wait } from 'node:timers/promises';
import type { KeysClient } from '../../keys/client.ts';
import { programOf } from '../../node/program.ts';
import type { Command } from '../command.ts';
import { UsageError } from '../output.ts';
import type { Output } from '../output.ts';
import { ask, isYes } from '../prompt.ts';
import { withKeys } from '../strongroom.ts';

interface Pending {
  readonly id: number;
  readonly pid: number;
  readonly question: string;
}

async function pending(client: KeysClient): Promise<readonly Pending[]> {
  const waiting = (await client.call('confirm-pending')) as object as readonly Pending[];
  return waiting.map(({ id, pid, question }) => ({
    id,
    pid,
    question: question.replace(`process ${pid}`, programOf(pid)),
  }));
}

/** What waits now, or within so many seconds. */
async function pendingWithin(client: KeysClient, seconds: number): Promise<readonly Pending[]> {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const waiting = await pending(client);
    if (waiting.length > 0 || Date.now() >= until) return waiting;
    await wait(200);
  }
}

async function answerAll(
  client: KeysClient,
  waiting: readonly Pending[],
  output: Output,
): Promise<number> {
  const answered: { id: number; allowed: boolean }[] = [];
  for (const { id, question } of waiting) {
    const answer = await ask(`${question}. Allow it? [y/N] `);
    // Nobody there to answer: the question stays for who is.
    if (answer === undefined) break;
    const allowed = isYes(answer);
    if ((await client.call('confirm-answer', { id, allowed })) !== true) {
      output.note('it was answered elsewhere, or too late');
      continue;
    }
    answered.push({ id, allowed });
  }
  output.result(waiting.length === 0 ? 'nothing waits' : '', { answered });
  return 0;
}

/** `strongroom confirm`: answers what keys marked `confirm` ask. */
export const confirm: Command = {
  summary: 'answer the questions of keys that ask before they are used',
  usage: '[--wait SECONDS] [--list | --allow ID | --refuse ID]',
  help: [
    '  --wait SECONDS  wait so long for a question where none is there yet',
    '  --list          tell what waits, and answer nothing',
    '  --allow ID      say yes to this one; --list tells the ID',
    '  --refuse ID     say no to this one',
    'Without one of the last three each question is put on the terminal.',
  ].join('\n'),
  example: 'strongroom confirm --wait 60',
  options: {
    wait: { type: 'string' },
    list: { type: 'boolean' },
    allow: { type: 'string' },
    refuse: { type: 'string' },
  },
  positionals: [0, 0],
  async run(call, output) {
    const [allow, refuse] = [call.number('allow'), call.number('refuse')];
    const ways = [call.flag('list'), allow !== undefined, refuse !== undefined];
    if (ways.filter(Boolean).length > 1) {
      throw new UsageError('--list, --allow and --refuse exclude each other');
    }
    return await withKeys(async (client) => {
      const id = allow ?? refuse;
      if (id !== undefined) {
        const allowed = allow !== undefined;
        if ((await client.call('confirm-answer', { id, allowed })) !== true) {
          throw new UsageError(`no question ${id} waits`, 'strongroom confirm --list');
        }
        output.result(allowed ? 'allowed' : 'refused', { answered: [{ id, allowed }] });
        return 0;
      }
      const waiting = await pendingWithin(client, call.number('wait') ?? 0);
      if (!call.flag('list')) return await answerAll(client, waiting, output);
      const lines = waiting.map((each) => `${each.id}  ${each.question}`);
      output.result(lines.length === 0 ? 'nothing waits' : lines.join('\n'), waiting);
      return 0;
    });
  },
};

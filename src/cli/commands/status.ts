import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from '../command.ts';
import { withKeys } from '../strongroom.ts';

/** `strongroom status`: what runs, how it is sealed, and what it does not claim. */
export const status: Command = {
  summary: 'tell whether the strongroom is up, how it is sealed and what protects it',
  usage: '[--wait SECONDS]',
  help: '  --wait SECONDS  wait so long for it to come up; exit 0 as soon as it is, 4 while it is locked',
  example: 'strongroom status --wait 10',
  options: { wait: { type: 'string' } },
  positionals: [0, 0],
  async run(call, output) {
    const until = Date.now() + (call.number('wait') ?? 0) * 1000;
    for (;;) {
      try {
        const now = await withKeys((client) => client.status());
        output.result(
          [
            `state                ${now.state}${now.failure === null ? '' : `: ${now.failure}`}`,
            ...now.seals.map((seal) => `seal                 ${seal.kind}: ${seal.description}`),
            `objects              ${now.objects}`,
            `requests             ${now.served} served, ${now.refused} refused`,
            `self-tests           ${now.selfTests === null ? 'not passed' : `${now.selfTests.count} passed in ${now.selfTests.milliseconds} ms`}`,
            `key process          ${now.pid}, since ${now.startedAt}`,
            'physical protection  none: this is software',
            'certification        none',
          ].join('\n'),
          now,
        );
        return now.state === 'operational' ? 0 : now.state === 'locked' ? 4 : 1;
      } catch (error) {
        if (Date.now() >= until) throw error;
        await wait(100);
      }
    }
  },
};

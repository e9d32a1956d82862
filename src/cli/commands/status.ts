import { setTimeout as wait } from 'node:timers/promises';
import type { KeysStatus } from '../../keys/client.ts';
import { StrongroomError } from '../../errors.ts';
import type { Command } from '../command.ts';
import { withKeys } from '../strongroom.ts';

function pinLine(pins: NonNullable<KeysStatus['pins']>): string {
  const { user, triesBeforeLock } = pins;
  if (!user.set) return 'not set: the security officer sets one';
  if (user.locked) return `locked after ${triesBeforeLock} wrong tries: strongroom pin unblock`;
  return user.failures === 0 ? 'set' : `set, ${triesBeforeLock - user.failures} tries left`;
}

function page(now: KeysStatus): string {
  return [
    `state                ${now.state}${now.failure === null ? '' : `: ${now.failure}`}`,
    ...now.seals.map((seal) => `seal                 ${seal.kind}: ${seal.description}`),
    ...(now.pins === null ? [] : [`PIN                  ${pinLine(now.pins)}`]),
    `objects              ${now.objects}`,
    `requests             ${now.served} served, ${now.refused} refused`,
    `self-tests           ${now.selfTests === null ? 'not passed' : `${now.selfTests.count} passed in ${now.selfTests.milliseconds} ms`}`,
    `key process          ${now.pid}, since ${now.startedAt}`,
    'physical protection  none: this is software',
    'certification        none',
  ].join('\n');
}

/** `strongroom status`: what runs, how it is sealed, and what it does not claim. */
export const status: Command = {
  summary: 'tell whether the strongroom is up, how it is sealed and what protects it',
  usage: '[--wait SECONDS]',
  help: [
    '  --wait SECONDS  wait so long for it to come up: exit 0 as soon as it is, 4 when it is up and',
    '                  locked, 1 when it does not come up',
  ].join('\n'),
  example: 'strongroom status --wait 10',
  options: { wait: { type: 'string' } },
  positionals: [0, 0],
  async run(call, output) {
    const until = Date.now() + (call.number('wait') ?? 0) * 1000;
    for (;;) {
      const now = await withKeys((client) => client.status()).catch((error: unknown) => {
        const starting = error instanceof StrongroomError && error.code === 'KEYS_NOT_RUNNING';
        if (!starting || Date.now() >= until) throw error;
        return undefined;
      });
      // `up` makes a strongroom a moment after it answers.
      const settled = now?.state === 'operational' || now?.state === 'locked';
      if (now !== undefined && (settled || Date.now() >= until)) {
        output.result(page(now), now);
        return now.state === 'operational' ? 0 : now.state === 'locked' ? 4 : 1;
      }
      await wait(100);
    }
  },
};

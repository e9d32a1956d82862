import { test } from 'node:test';
import { fuzzAgent } from '../../../support/agent-fuzz.ts';

// 100,000 messages, other ones each day; the seed repeats a run.
const given = process.env['STRONGROOM_SEED'];
const seed = given === undefined ? Math.trunc(Date.now() / 1000) : Number(given);

test('a hundred thousand malformed messages cost nobody else anything', async (t) => {
  t.diagnostic(`STRONGROOM_SEED=${seed}`);
  await fuzzAgent(seed, 100_000);
});

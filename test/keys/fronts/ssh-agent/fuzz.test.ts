import { test } from 'node:test';
import { fuzzAgent } from '../../../support/agent-fuzz.ts';

test('a thousand malformed messages cost nobody else anything', async () => {
  await fuzzAgent(20_261_125, 1000);
});

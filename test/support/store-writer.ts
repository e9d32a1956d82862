// A program that changes a store and says after each change that it was answered; run under strace.
import { writeFileSync, writeSync } from 'node:fs';
import { createStore, openStore } from '../../src/keys/store/sqlite.ts';
import { masterKey, put } from './store-folder.ts';

const [folder, told] = process.argv.slice(2);
if (folder === undefined || told === undefined) throw new Error('two paths are wanted');
/** What is in the store at each answer. */
const states: [string, string][][] = [];
const state = new Map<string, string>();
const answer = (): void => {
  states.push([...state]);
  writeSync(1, 'answered');
};

let store = createStore(folder, masterKey);
answer();
for (const round of [0, 1, 2]) {
  for (let index = 0; index < 4; index++) {
    const records = {
      [`record ${index}`]: `${round} ${'x'.repeat(1000 * index)}`,
      count: `${states.length}`,
    };
    put(store, records);
    for (const [id, body] of Object.entries(records)) state.set(id, body);
    answer();
  }
  store.commit({ put: [], remove: ['record 3'] });
  state.delete('record 3');
  answer();
  store.close();
  store = openStore(folder, masterKey);
}
store.close();
writeFileSync(told, JSON.stringify(states));

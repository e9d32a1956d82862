import { connectKeys } from '../keys/client.ts';
import type { KeysClient } from '../keys/client.ts';
import { homeFolder } from '../node/home.ts';
import type { Invocation } from './command.ts';
import { readInput } from './files.ts';

export { secretFile } from './secret.ts';

/** Runs `work` with a connection to the strongroom of this home, and closes it. */
export async function withKeys<Result>(
  work: (client: KeysClient) => Promise<Result>,
): Promise<Result> {
  const client = await connectKeys(homeFolder());
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** The bytes of `--in FILE`, else of standard input. */
export function input(call: Invocation, option = 'in'): Uint8Array {
  return readInput(call.text(option));
}

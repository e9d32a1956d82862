import { readFileSync } from 'node:fs';
import { connectKeys } from '../keys/index.ts';
import type { KeysClient } from '../keys/index.ts';
import { homeFolder } from '../node/home.ts';
import type { Invocation } from './command.ts';
import { UsageError } from './output.ts';
import { reasonOf } from '../errors.ts';

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
  const path = call.text(option);
  try {
    return readFileSync(path ?? 0);
  } catch (error) {
    throw new UsageError(`cannot read ${path ?? 'standard input'}: ${reasonOf(error)}`);
  }
}

/** The first line of a file that holds a PIN or passphrase; the caller wipes the bytes. */
export function secretFile(path: string): Uint8Array {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${reasonOf(error)}`);
  }
  const end = bytes.indexOf(10);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

import { fstatSync, readFileSync } from 'node:fs';
import { equalBytes } from '../bytes/compare.ts';
import { reasonOf } from '../errors.ts';
import type { Invocation } from './command.ts';
import { UsageError } from './output.ts';
import { askSecret } from './prompt.ts';

/** Where a secret may come from: never from the command line itself. */
export interface SecretSource {
  /** `pin` stands for `--pin-file`, `--pin-fd` and STRONGROOM_PIN_FILE. */
  readonly name: string;
  /** What the person is asked for where none of them is given. */
  readonly prompt: string;
  /** A new secret is asked for twice. */
  readonly isNew?: boolean;
}

/** The options of a secret, for a command's own. */
export function secretOptions(
  ...names: readonly string[]
): Readonly<Record<string, { readonly type: 'string' }>> {
  return Object.fromEntries(
    names
      .flatMap((name) => [`${name}-file`, `${name}-fd`])
      .map((each) => [each, { type: 'string' }]),
  );
}

/** What completes them in the shell. */
export function secretFiles(...names: readonly string[]): Readonly<Record<string, 'file'>> {
  return Object.fromEntries(names.map((name) => [`${name}-file`, 'file'] as const));
}

function variable(name: string): string {
  return `STRONGROOM_${name.replaceAll('-', '_').toUpperCase()}_FILE`;
}

/**
 * A secret from its file, its file descriptor or the file that its variable names.
 * @returns its bytes, the caller's to wipe; `undefined` when none of them is given
 * @throws {UsageError} when it cannot be read or is empty
 */
export function givenSecret(call: Invocation, name: string): Uint8Array | undefined {
  const file = call.text(`${name}-file`);
  const descriptor = call.number(`${name}-fd`);
  if (file !== undefined && descriptor !== undefined) {
    throw new UsageError(`--${name}-file and --${name}-fd exclude each other`);
  }
  if (descriptor !== undefined) return secretFrom(descriptor, `file descriptor ${descriptor}`);
  if (file !== undefined) return secretFrom(file, file);
  const path = process.env[variable(name)];
  return path === undefined || path === '' ? undefined : secretFrom(path, path);
}

/**
 * A secret from wherever it is given, else from the terminal.
 * @throws {UsageError} when it is given nowhere and there is no terminal
 */
export async function secret(call: Invocation, source: SecretSource): Promise<Uint8Array> {
  const given = givenSecret(call, source.name);
  if (given !== undefined) return given;
  const typed = await askSecret(source.prompt);
  if (typed === undefined) {
    throw new UsageError(
      `there is no terminal to ask for the ${source.prompt}`,
      `give --${source.name}-file FILE or --${source.name}-fd NUMBER, or name a file in ${variable(source.name)}`,
    );
  }
  if (source.isNew === true) {
    const again = await askSecret(`${source.prompt}, once more`);
    const same = again !== undefined && equalBytes(typed, again);
    again?.fill(0);
    if (!same) {
      typed.fill(0);
      throw new UsageError('the two are not the same');
    }
  }
  if (typed.length === 0) throw new UsageError(`the ${source.prompt} is empty`);
  return typed;
}

/** The first line of a file; the caller wipes the bytes. @throws {UsageError} */
function secretFrom(source: string | number, name: string): Uint8Array {
  let bytes: Buffer;
  try {
    if (typeof source === 'number') fstatSync(source);
    bytes = readFileSync(source);
  } catch (error) {
    throw new UsageError(`cannot read ${name}: ${reasonOf(error)}`);
  }
  let end = bytes.indexOf(0x0a);
  if (end < 0) end = bytes.length;
  if (bytes[end - 1] === 0x0d) end--;
  if (end === 0) throw new UsageError(`the first line of ${name} is empty`);
  return bytes.subarray(0, end);
}

/** The first line of a file that holds a secret; the caller wipes the bytes. @throws {UsageError} */
export function secretFile(path: string): Uint8Array {
  return secretFrom(path, path);
}

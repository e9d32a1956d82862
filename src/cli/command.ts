import type { ParseArgsOptionsConfig } from 'node:util';
import type { Output } from './output.ts';

/** What a command was called with, already parsed. */
export interface Invocation {
  readonly positionals: readonly string[];
  /** A value an option was given, or `undefined`. */
  text(option: string): string | undefined;
  /** Every value of an option that may be repeated. */
  texts(option: string): readonly string[];
  flag(option: string): boolean;
  /** A whole number. @throws {UsageError} when it is none */
  number(option: string): number | undefined;
  readonly json: boolean;
}

/** What completes a word in the shell: files, names of keys, or one of a list. */
export type Completion = 'file' | 'key' | readonly string[];

/** One command of `strongroom`, one file under `commands/`. */
export interface Command {
  /** One sentence, lower case, no full stop: what it does. */
  readonly summary: string;
  /** What stands behind `strongroom name` in the usage line. */
  readonly usage: string;
  /** Lines of the help: each option with what it means. Exit codes beyond 0, 1 and 2 are named. */
  readonly help: string;
  /** One command line that can be copied. */
  readonly example: string;
  readonly options: ParseArgsOptionsConfig;
  /** How many arguments beside options: least and most. */
  readonly positionals: readonly [least: number, most: number];
  /** What completes the values of options in the shell; an option that is not named takes anything. */
  readonly values?: Readonly<Record<string, Completion>>;
  /** What completes the arguments, the first ones first. */
  readonly words?: readonly Completion[];
  /** The exit code. Errors are thrown and become one sentence. */
  run(call: Invocation, output: Output): Promise<number> | number;
}

/** An entry of the table of commands: the file is loaded only when the command is run. */
export interface CommandEntry {
  /** One or two words, `key create`. */
  readonly name: string;
  readonly load: () => Promise<Command>;
}

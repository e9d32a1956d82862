import { parseArgs } from 'node:util';
import type { Command, Invocation } from './command.ts';
import { commands } from './commands.ts';
import { COMMON, helpOf } from './help-text.ts';
import { UsageError, createOutput } from './output.ts';
import type { Streams } from './output.ts';
import { nearest } from './suggest.ts';

/** Finds the command that the words begin with, the longest name first. */
function find(words: readonly string[]): { name: string; rest: string[] } | undefined {
  for (const count of [2, 1]) {
    const name = words.slice(0, count).join(' ');
    if (words.length >= count && commands.some((entry) => entry.name === name)) {
      return { name, rest: words.slice(count) };
    }
  }
  return undefined;
}

function invocation(
  values: Readonly<Record<string, unknown>>,
  positionals: readonly string[],
): Invocation {
  const texts = (option: string): readonly string[] => {
    const value = values[option];
    if (Array.isArray(value)) return value.filter((each) => typeof each === 'string');
    return typeof value === 'string' ? [value] : [];
  };
  return {
    positionals,
    text: (option) => texts(option).at(-1),
    texts,
    flag: (option) => values[option] === true,
    number(option) {
      const text = texts(option).at(-1);
      if (text === undefined) return undefined;
      if (!/^\d{1,15}$/.test(text)) {
        throw new UsageError(`--${option} takes a whole number, not \`${text}\``);
      }
      return Number(text);
    },
    json: values['json'] === true,
  };
}

/** What to say about words that name no command. */
function unknown(words: readonly string[]): UsageError {
  const [first = '', second] = words;
  const group = commands.filter((entry) => entry.name.startsWith(`${first} `));
  if (group.length > 0) {
    const names = group.map((entry) => entry.name.slice(first.length + 1));
    const meant = second === undefined ? undefined : nearest(second, names);
    return new UsageError(
      second === undefined
        ? `\`strongroom ${first}\` needs one of: ${names.join(', ')}`
        : `there is no command \`${first} ${second}\``,
      meant === undefined
        ? `strongroom help ${first}`
        : `did you mean \`strongroom ${first} ${meant}\`?`,
    );
  }
  const meant = nearest(first, firstWords());
  return new UsageError(
    `there is no command \`${first}\``,
    meant === undefined
      ? 'strongroom help lists them all'
      : `did you mean \`strongroom ${meant}\`?`,
  );
}

/** The first words of all commands, each once. */
export function firstWords(): string[] {
  return [...new Set(commands.map((entry) => entry.name.split(' ')[0] ?? ''))];
}

function parsed(name: string, command: Command, args: readonly string[]) {
  try {
    return parseArgs({
      args,
      options: { ...command.options, ...COMMON },
      allowPositionals: true,
      strict: true,
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : 'the options are wrong';
    const option = /^Unknown option '--([^']*)'/.exec(message)?.[1];
    const known = Object.keys({ ...command.options, ...COMMON });
    const meant = option === undefined ? undefined : nearest(option, known);
    throw new UsageError(
      lowered(message.split('. ')[0] ?? message),
      meant === undefined ? `strongroom ${name} --help` : `did you mean \`--${meant}\`?`,
    );
  }
}

function lowered(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1).replaceAll("'", '`');
}

/**
 * Runs the command that the words name.
 * @returns the exit code
 * @throws what the command throws; {UsageError} when the words name none or are wrong for it
 */
export async function run(words: readonly string[], streams?: Streams): Promise<number> {
  const first = words[0];
  if (first === undefined || first === '--help' || first === '-h')
    return await run(['help'], streams);
  if (first === '--version') return await run(['help', '--version'], streams);
  const found = find(words);
  if (found === undefined) {
    const isGroup = commands.some((entry) => entry.name.startsWith(`${first} `));
    const asked = words.length === 2 && ['--help', '-h', 'help'].includes(words[1] ?? '');
    if (isGroup && asked) return await run(['help', first], streams);
    throw unknown(words);
  }
  const { name, rest } = found;
  const entry = commands.find((each) => each.name === name);
  if (entry === undefined) throw unknown(words);
  const command = await entry.load();
  const { values, positionals } = parsed(name, command, rest);
  if (values.help === true) {
    createOutput(values.json === true, streams).result(helpOf(name, command), {
      name,
      summary: command.summary,
      usage: command.usage,
      help: command.help,
      example: command.example,
    });
    return 0;
  }
  const [least, most] = command.positionals;
  if (positionals.length < least || positionals.length > most) {
    throw new UsageError(
      `usage: strongroom ${name}${command.usage === '' ? '' : ` ${command.usage}`}`,
      `strongroom ${name} --help`,
    );
  }
  const call = invocation(values, positionals);
  return await command.run(call, createOutput(call.json, streams));
}

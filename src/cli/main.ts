import { parseArgs } from 'node:util';
import type { Command, Invocation } from './command.ts';
import { commands } from './commands.ts';
import { UsageError, createOutput, reportError } from './output.ts';

/** Options that every command has. */
const COMMON = {
  help: { type: 'boolean', short: 'h' },
  json: { type: 'boolean' },
} as const;

/** The help of one command. */
export function helpOf(name: string, command: Command): string {
  return [
    `strongroom ${name}: ${command.summary}`,
    '',
    `usage: strongroom ${name}${command.usage === '' ? '' : ` ${command.usage}`}`,
    ...(command.help === '' ? [] : ['', command.help]),
    '',
    `example: ${command.example}`,
    'every command takes --json and --help; exit codes: 0 done, 1 failed, 2 wrong use, 3 denied by a decision, 4 locked',
  ].join('\n');
}

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

async function run(words: readonly string[]): Promise<number> {
  const first = words[0];
  if (first === undefined || first === '--help' || first === '-h') {
    return await run(['help']);
  }
  if (first === '--version') return await run(['help', '--version']);
  const found = find(words);
  if (found === undefined) {
    const group = commands.filter((entry) => entry.name.startsWith(`${first} `));
    if (group.length > 0) {
      const names = group.map((entry) => entry.name.slice(first.length + 1)).join(', ');
      throw new UsageError(`\`strongroom ${first}\` needs one of: ${names}`);
    }
    throw new UsageError(`there is no command \`${first}\``, 'strongroom help lists them all');
  }
  const entry = commands.find((each) => each.name === found.name);
  if (entry === undefined) throw new UsageError(`there is no command \`${found.name}\``);
  const command = await entry.load();
  let parsed;
  try {
    parsed = parseArgs({
      args: found.rest,
      options: { ...command.options, ...COMMON },
      allowPositionals: true,
      strict: true,
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : 'the options are wrong';
    throw new UsageError(message.split('. ')[0] ?? message, `strongroom ${found.name} --help`);
  }
  if (parsed.values.help === true) {
    process.stdout.write(`${helpOf(found.name, command)}\n`);
    return 0;
  }
  const [least, most] = command.positionals;
  if (parsed.positionals.length < least || parsed.positionals.length > most) {
    throw new UsageError(`usage: strongroom ${found.name} ${command.usage}`);
  }
  const call = invocation(parsed.values, parsed.positionals);
  return await command.run(call, createOutput(call.json));
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader of a pipe went away: nothing is left to say.
  if (error.code === 'EPIPE') process.exit(0);
});

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  process.exitCode = reportError(error, process.argv.includes('--json'));
}

import type { Command } from './command.ts';

/** Options that every command has. */
export const COMMON = {
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

import { createRequire } from 'node:module';
import type { Command } from '../command.ts';
import { commands } from '../commands.ts';
import { helpOf } from '../help-text.ts';
import { UsageError } from '../output.ts';
import { nearest } from '../suggest.ts';

const version = (createRequire(import.meta.url)('../../../package.json') as { version: string })
  .version;

/** `strongroom help`: every command with its sentence, or the help of one. */
export const help: Command = {
  summary: 'list every command, or tell more of one',
  usage: '[COMMAND] [--version]',
  help: '  --version  print the version only',
  example: 'strongroom help key create',
  options: { version: { type: 'boolean' } },
  positionals: [0, 2],
  async run(call, output) {
    if (call.flag('version')) {
      output.result(version, { version });
      return 0;
    }
    const wanted = call.positionals.join(' ');
    const one = commands.find(({ name }) => name === wanted);
    if (one !== undefined) {
      const command = await one.load();
      const { summary, usage, example } = command;
      const value = { name: wanted, summary, usage, help: command.help, example };
      output.result(helpOf(wanted, command), value);
      return 0;
    }
    const listed = commands.filter(({ name }) => wanted === '' || name.startsWith(`${wanted} `));
    if (listed.length === 0) {
      const meant = nearest(
        wanted,
        commands.map(({ name }) => name),
      );
      throw new UsageError(
        `there is no command \`${wanted}\``,
        meant === undefined ? 'strongroom help lists them all' : `did you mean \`${meant}\`?`,
      );
    }
    const rows = await Promise.all(
      listed.map(async ({ name, load }) => ({ name, summary: (await load()).summary })),
    );
    const width = Math.max(...rows.map((row) => row.name.length));
    output.result(
      [
        `strongroom ${version}`,
        '',
        ...rows.map((row) => `  ${row.name.padEnd(width)}  ${row.summary}`),
        '',
        'strongroom COMMAND --help tells more and gives an example',
      ].join('\n'),
      { version, commands: rows },
    );
    return 0;
  },
};

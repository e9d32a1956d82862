import { createRequire } from 'node:module';
import type { Command } from '../command.ts';
import { commands } from '../commands.ts';

const version = (createRequire(import.meta.url)('../../../package.json') as { version: string })
  .version;

/** `strongroom help`: every command with its sentence. */
export const help: Command = {
  summary: 'list every command',
  usage: '[--version]',
  help: '  --version  print the version only',
  example: 'strongroom help',
  options: { version: { type: 'boolean' } },
  positionals: [0, 0],
  async run(call, output) {
    if (call.flag('version')) {
      output.result(version, { version });
      return 0;
    }
    const rows = await Promise.all(
      commands.map(async ({ name, load }) => ({ name, summary: (await load()).summary })),
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

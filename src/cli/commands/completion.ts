import type { Command } from '../command.ts';
import { commands } from '../commands.ts';
import { SHELLS, completionScript, shapeOf } from '../completion.ts';
import { UsageError } from '../output.ts';

/** `strongroom completion`: what the shell needs to complete commands, options and names of keys. */
export const completion: Command = {
  summary: 'print what makes the shell complete commands, options and names of keys',
  usage: SHELLS.join('|'),
  help: [
    'bash  in ~/.bashrc: eval "$(strongroom completion bash)"',
    'zsh   in ~/.zshrc, behind compinit: eval "$(strongroom completion zsh)"',
    'fish  in ~/.config/fish/config.fish: strongroom completion fish | source',
    'bin/strongroom is completed too where it is called by that path.',
  ].join('\n'),
  example: 'eval "$(strongroom completion bash)"',
  options: {},
  words: [SHELLS],
  positionals: [1, 1],
  async run(call, output) {
    const shell = SHELLS.find((each) => each === call.positionals[0]);
    if (shell === undefined) {
      throw new UsageError(
        `there is no completion for \`${call.positionals[0] ?? ''}\``,
        `one of: ${SHELLS.join(', ')}`,
      );
    }
    const shapes = await Promise.all(
      commands.map(async ({ name, load }) => shapeOf(name, await load())),
    );
    const script = completionScript(shell, shapes);
    output.result(script, { shell, script });
    return 0;
  },
};

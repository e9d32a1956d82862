import type { CommandEntry } from './command.ts';

/** Every command, in the order of the overview. A part adds its own list here, one line a command. */
export const commands: readonly CommandEntry[] = [
  { name: 'help', load: async () => (await import('./commands/help.ts')).help },
];

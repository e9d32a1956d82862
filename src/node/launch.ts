import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { keyProcessFlags } from './key-process-flags.ts';
import { socketsOf } from './layout.ts';
import type { Layout } from './layout.ts';

/** What runs as the key process: this repository's own, unless a test runs another build of it. */
export interface KeyProcessProgram {
  readonly file: string;
  /** What it may read until it listens: its own sources. */
  readonly sources: readonly string[];
  /** Bytes of OpenSSL's secure heap, where not the usual. */
  readonly secureHeap?: number;
}

const sourceFolder = dirname(import.meta.dirname);

export const KEY_PROCESS: KeyProcessProgram = {
  file: join(
    import.meta.dirname,
    `key-process${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`,
  ),
  sources: [sourceFolder, join(dirname(sourceFolder), 'package.json')],
};

/**
 * Starts the key process of a home that `prepareHome` found sound, alone: no environment, no
 * standard input or output, and a channel to whoever started it.
 */
export function launchKeyProcess(
  layout: Layout,
  program: KeyProcessProgram = KEY_PROCESS,
): ChildProcess {
  // Left behind by a process that was killed; whoever starts one looks for a living one before.
  for (const path of socketsOf(layout)) rmSync(path, { force: true });
  const { file, sources, secureHeap } = program;
  const flags = keyProcessFlags([...sources, layout.keys], [layout.keys], secureHeap);
  return spawn(process.execPath, [...flags, file, layout.home, ...sources], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Nothing of the person's environment is needed, and options in it could undo the flags.
    env: {},
    cwd: layout.keys,
  });
}

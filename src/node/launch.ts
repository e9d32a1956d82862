import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
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
 * Where Node keeps what it compiled of the key process, beside the Node that runs it and as much to
 * be trusted; `undefined` where this installation has no such folder. The process may write there
 * while it starts only.
 */
function compileCache(): string | undefined {
  const modules = join(dirname(sourceFolder), 'node_modules');
  if (!existsSync(modules)) return undefined;
  const folder = join(modules, '.cache', 'key-process');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  } catch {
    // An installation that this user cannot write to starts a little slower.
    return undefined;
  }
}

export interface KeyProcessSettings {
  /** Milliseconds that the question of a key marked `confirm` waits for its answer. */
  readonly patience?: number;
}

/**
 * Starts the key process of a home that `prepareHome` found sound, alone: no environment but where
 * compiled code is kept, no standard input or output, and a channel to whoever started it.
 */
export function launchKeyProcess(
  layout: Layout,
  program: KeyProcessProgram = KEY_PROCESS,
  { patience }: KeyProcessSettings = {},
): ChildProcess {
  // Left behind by a process that was killed; whoever starts one looks for a living one before.
  for (const path of socketsOf(layout)) rmSync(path, { force: true });
  const { file, sources, secureHeap } = program;
  const cache = program === KEY_PROCESS ? compileCache() : undefined;
  const compiled = cache === undefined ? [] : [cache];
  const flags = keyProcessFlags(
    [...sources, layout.keys, ...compiled],
    [layout.keys, ...compiled],
    secureHeap,
  );
  const settings = [
    ...(patience === undefined ? [] : [`--patience=${patience}`]),
    ...(cache === undefined ? [] : [`--cache=${cache}`]),
  ];
  return spawn(process.execPath, [...flags, file, ...settings, layout.home, ...sources], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Nothing of the person's environment is needed, and options in it could undo the flags.
    env: cache === undefined ? {} : { NODE_COMPILE_CACHE: cache },
    cwd: layout.keys,
  });
}

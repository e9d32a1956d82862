// A program on a terminal of its own, as script(1) makes one, and a person who types.
import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';

export interface Terminal extends AsyncDisposable {
  /** Everything that stood on the screen so far. */
  readonly said: () => string;
  readonly type: (text: string) => void;
  /** Waits until this stands on the screen, a minute at the most. */
  readonly sees: (text: RegExp) => Promise<void>;
  /** The exit code, once the program ended. */
  readonly ended: Promise<number | null>;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** @param words a program and its arguments */
export function onTerminal(
  words: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): Terminal {
  const command = words.map(quoted).join(' ');
  const child = spawn('script', ['-qfec', `exec ${command}`, '/dev/null'], {
    env: environment,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
  });
  child.stdin.on('error', () => undefined);
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
  });
  return {
    said: () => screen,
    type: (text) => {
      child.stdin.write(text);
    },
    async sees(text) {
      const until = Date.now() + 60_000;
      while (!text.test(screen)) {
        if (Date.now() > until)
          throw new Error(`${String(text)} never stood on the screen: ${screen}`);
        await wait(20);
      }
    },
    ended,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await ended;
    },
  };
}

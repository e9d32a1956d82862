import { closeSync, openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { ReadStream, isatty } from 'node:tty';
import { StrongroomError } from '../errors.ts';

const ENTER = [0x0a, 0x0d] as const;
const ERASE = [0x08, 0x7f] as const;
const CTRL_C = 0x03;
const CTRL_D = 0x04;
const CTRL_U = 0x15;
const MAX_SECRET = 1024;

/** The person pressed Ctrl-C or Ctrl-D at a question. */
function cancelled(): StrongroomError {
  return new StrongroomError('CANCELLED', 'nothing was entered');
}

/** The terminal that this program was started from, or `undefined` when there is none. */
function openTerminal(): number | undefined {
  try {
    const terminal = openSync('/dev/tty', 'r+');
    if (isatty(terminal)) return terminal;
    closeSync(terminal);
  } catch {
    // Started by no terminal.
  }
  return undefined;
}

/**
 * Asks for a secret on the terminal, without echo, whatever standard input is.
 * @returns its bytes, the caller's to wipe; `undefined` where there is no terminal
 * @throws {StrongroomError} CANCELLED
 */
export async function askSecret(prompt: string): Promise<Uint8Array | undefined> {
  const terminal = openTerminal();
  if (terminal === undefined) return undefined;
  const input = new ReadStream(terminal);
  input.setRawMode(true);
  writeSync(terminal, `${prompt}: `);
  const typed = new Uint8Array(MAX_SECRET);
  let length = 0;
  try {
    await new Promise<void>((resolve, reject) => {
      input.on('error', reject);
      input.on('data', (chunk: Uint8Array) => {
        for (const byte of chunk) {
          if (byte === ENTER[0] || byte === ENTER[1]) resolve();
          else if (byte === CTRL_C || byte === CTRL_D) reject(cancelled());
          else if (byte === CTRL_U) length = 0;
          else if (byte === ERASE[0] || byte === ERASE[1]) length = withoutLast(typed, length);
          else if (length < MAX_SECRET) typed[length++] = byte;
        }
        chunk.fill(0);
      });
    });
    return typed.slice(0, length);
  } finally {
    typed.fill(0);
    input.setRawMode(false);
    writeSync(terminal, '\n');
    input.destroy();
  }
}

/** One character less, which in UTF-8 may be several bytes. */
function withoutLast(typed: Uint8Array, length: number): number {
  let end = Math.max(0, length - 1);
  while (end > 0 && ((typed[end] ?? 0) & 0xc0) === 0x80) end--;
  return end;
}

/**
 * Asks a question on standard error and reads the answer from standard input.
 * @returns `undefined` when that ends without one
 */
export async function ask(question: string): Promise<string | undefined> {
  // Not in raw mode: Ctrl-C goes on ending the program.
  const lines = createInterface({
    input: process.stdin,
    output: process.stderr,
    terminal: false,
  });
  try {
    const ended = new Promise<undefined>((resolve) => {
      lines.once('close', () => resolve(undefined));
    });
    return await Promise.race([lines.question(question), ended]);
  } finally {
    lines.close();
  }
}

/** Whether an answer is a yes; everything else is a no. */
export function isYes(answer: string | undefined): boolean {
  return /^y(es)?$/i.test(answer?.trim() ?? '');
}

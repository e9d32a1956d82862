import { StrongroomError, reasonOf } from '../errors.ts';

/** Wrong use of the command line: exit code 2. */
export class UsageError extends StrongroomError {
  constructor(message: string, mend?: string) {
    super('USAGE', message, { duty: 'usage', ...(mend === undefined ? {} : { mend }) });
  }
}

/** Where a command talks: results on standard output, everything for the person on standard error. */
export interface Output {
  readonly json: boolean;
  readonly isTerminal: boolean;
  /** The result: `text` for people, or `value` as one line of JSON with `--json`. */
  result(text: string, value: unknown): void;
  /** Bytes of a result, as they are. */
  bytes(value: Uint8Array): void;
  /** A remark for the person; nothing with `--json`. */
  note(text: string): void;
}

/** Where results and remarks end up; the program's own streams unless a caller collects them. */
export interface Streams {
  readonly out: (chunk: string | Uint8Array) => void;
  readonly err: (text: string) => void;
}

const OWN_STREAMS: Streams = {
  out: (chunk) => process.stdout.write(chunk),
  err: (text) => process.stderr.write(text),
};

export function createOutput(json: boolean, streams: Streams = OWN_STREAMS): Output {
  return {
    json,
    isTerminal: process.stdout.isTTY,
    result(text, value) {
      const line = json ? JSON.stringify(value) : text;
      streams.out(line === '' || line.endsWith('\n') ? line : `${line}\n`);
    },
    bytes(value) {
      streams.out(value);
    },
    note(text) {
      if (!json) streams.err(`${text}\n`);
    },
  };
}

/** Prints an error as one sentence with its mend and tells the exit code it means. */
export function reportError(
  thrown: unknown,
  json: boolean,
  streams: Streams = OWN_STREAMS,
): number {
  const known = thrown instanceof StrongroomError ? thrown : undefined;
  const message = reasonOf(thrown);
  if (json) {
    const value = { error: { code: known?.code ?? 'INTERNAL', message, mend: known?.mend } };
    streams.err(`${JSON.stringify(value)}\n`);
  } else {
    streams.err(`strongroom: ${message}\n`);
    if (known?.mend !== undefined) streams.err(`hint: ${known.mend}\n`);
    if (known === undefined && process.env['STRONGROOM_DEBUG'] !== undefined) {
      streams.err(`${thrown instanceof Error ? (thrown.stack ?? '') : ''}\n`);
    }
  }
  switch (known?.duty) {
    case 'usage':
      return 2;
    case 'denied':
      return 3;
    case 'locked':
      return 4;
    case 'peer':
    case 'operator':
    case 'internal':
    case undefined:
      return 1;
  }
}

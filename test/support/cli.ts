// The command line in this process, on the strongroom of a home: as it runs in its own, and faster.
import { reportError } from '../../src/cli/output.ts';
import { run } from '../../src/cli/run.ts';

export interface Said {
  readonly status: number;
  readonly out: Buffer;
  readonly err: string;
  /** Standard output as text. */
  readonly text: string;
}

export type Cli = (...words: readonly string[]) => Promise<Said>;

/** Commands of one home; the variables are set while they run. */
export function cliAt(home: string, variables: Readonly<Record<string, string>> = {}): Cli {
  return async (...words) => {
    const chunks: Buffer[] = [];
    let err = '';
    const streams = {
      out: (chunk: string | Uint8Array) => {
        chunks.push(Buffer.from(chunk));
      },
      err: (text: string) => {
        err += text;
      },
    };
    const set: Readonly<Record<string, string>> = { STRONGROOM_HOME: home, ...variables };
    const before = Object.keys(set).map((name) => [name, process.env[name]] as const);
    Object.assign(process.env, set);
    let status: number;
    try {
      status = await run(words, streams);
    } catch (error) {
      status = reportError(error, words.includes('--json'), streams);
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = value;
      }
    }
    const out = Buffer.concat(chunks);
    return { status, out, err, text: out.toString() };
  };
}

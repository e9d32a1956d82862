import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { Reader } from '../../../bytes/reader.ts';
import { Writer } from '../../../bytes/writer.ts';
import { utf8 } from '../../../bytes/text.ts';
import { reasonOf } from '../../../errors.ts';
import { TargetError } from '../../errors.ts';
import { FX, FXP, PacketSplitter, begin, packet } from './wire/packet.ts';

/** A failure that the server put into a STATUS packet. */
export class SftpStatus extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(text === '' ? `SFTP status ${status}` : text);
    this.status = status;
  }
}

interface Waiting {
  readonly resolve: (reply: { type: number; reader: Reader }) => void;
  readonly reject: (error: Error) => void;
}

/** Program and arguments that speak SFTP on their standard streams. */
export interface SftpCommand {
  readonly program: string;
  readonly arguments: readonly string[];
}

/**
 * One SFTP session over the standard streams of a program, by default `ssh -s … sftp`: keys,
 * agents, known hosts and jump hosts are as the person's own ssh has them. Requests are
 * pipelined; answers come in any order.
 */
export class SftpSession {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #splitter = new PacketSplitter();
  readonly #timeout: number;
  readonly #host: string;
  #extensions: ReadonlySet<string> = new Set();
  #next = 1;
  #complaint = '';
  #over: TargetError | undefined;
  #timer: NodeJS.Timeout | undefined;
  #greeted: Waiting | undefined;

  constructor(command: SftpCommand, host: string, timeout: number) {
    this.#host = host;
    this.#timeout = timeout;
    this.#child = spawn(command.program, command.arguments, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-500);
    });
    this.#child.stdout.on('data', (chunk: Uint8Array) => this.#hear(chunk));
    this.#child.stdin.on('error', () => undefined);
    this.#child.once('error', (error) => this.#end(reasonOf(error)));
    this.#child.once('close', () => this.#end(this.#complaint.trim().split('\n').at(-1) ?? ''));
  }

  /** Agrees on version 3. @throws {TargetError} `busy` when there is no connection */
  async start(): Promise<void> {
    const greeting = Promise.withResolvers<{ type: number; reader: Reader }>();
    this.#greeted = greeting;
    this.#send(packet(new Writer().u32(0).u8(FXP.INIT).u32(3)));
    this.#watch();
    const { type, reader } = await greeting.promise;
    if (type !== FXP.VERSION || reader.u32() < 3) {
      throw new TargetError('broken', `${this.#host} speaks no SFTP version 3`);
    }
    const names = new Set<string>();
    while (reader.left > 0) {
      names.add(Buffer.from(reader.bytes32(1024)).toString('latin1'));
      reader.bytes32(1024);
    }
    this.#extensions = names;
  }

  has(extension: string): boolean {
    return this.#extensions.has(extension);
  }

  get ended(): boolean {
    return this.#over !== undefined;
  }

  #send(bytes: Uint8Array): void {
    this.#child.stdin.write(bytes);
  }

  /** While answers are awaited, something has to come within the timeout. */
  #watch(): void {
    clearTimeout(this.#timer);
    if (this.#waiting.size === 0 && this.#greeted === undefined) return;
    this.#timer = setTimeout(() => this.#end('it says nothing any more'), this.#timeout);
  }

  #hear(chunk: Uint8Array): void {
    try {
      for (const bytes of this.#splitter.push(chunk)) {
        const reader = new Reader(bytes);
        const type = reader.u8();
        if (this.#greeted !== undefined) {
          this.#greeted.resolve({ type, reader });
          this.#greeted = undefined;
          continue;
        }
        const id = reader.u32();
        const asked = this.#waiting.get(id);
        this.#waiting.delete(id);
        asked?.resolve({ type, reader });
      }
      this.#watch();
    } catch (error) {
      this.#end(reasonOf(error));
    }
  }

  #end(reason: string): void {
    if (this.#over !== undefined) return;
    clearTimeout(this.#timer);
    // What ssh says when trying again would not help.
    const refused = /denied|Host key verification failed|not permitted|ENOENT/i.test(reason);
    this.#over = new TargetError(
      refused ? 'denied' : 'busy',
      `the SFTP connection to ${this.#host} ended: ${reason}`,
      refused ? { mend: `see that \`ssh ${this.#host}\` works` } : {},
    );
    this.#child.kill();
    this.#greeted?.reject(this.#over);
    for (const each of this.#waiting.values()) each.reject(this.#over);
    this.#waiting.clear();
  }

  async #ask(
    type: number,
    fill: (writer: Writer) => Writer,
  ): Promise<{ type: number; reader: Reader }> {
    if (this.#over !== undefined) throw this.#over;
    const id = this.#next++ >>> 0;
    const reply = Promise.withResolvers<{ type: number; reader: Reader }>();
    this.#waiting.set(id, reply);
    this.#send(packet(fill(begin(type, id))));
    if (this.#waiting.size === 1) this.#watch();
    return await reply.promise;
  }

  /**
   * A request that is answered by a packet of type `wanted`.
   * @throws {SftpStatus} what the server refused it with
   */
  async request(type: number, wanted: number, fill: (writer: Writer) => Writer): Promise<Reader> {
    const reply = await this.#ask(type, fill);
    if (reply.type === wanted) return reply.reader;
    if (reply.type !== FXP.STATUS) {
      throw new TargetError('broken', `${this.#host} answers ${type} with ${reply.type}`);
    }
    throw statusOf(reply.reader);
  }

  /** A request that is answered by a STATUS of success. @throws {SftpStatus} */
  async act(type: number, fill: (writer: Writer) => Writer): Promise<void> {
    const reply = await this.#ask(type, fill);
    if (reply.type !== FXP.STATUS) {
      throw new TargetError('broken', `${this.#host} answers ${type} with ${reply.type}`);
    }
    const status = statusOf(reply.reader);
    if (status.status !== FX.OK) throw status;
  }

  async extended(name: string, fill: (writer: Writer) => Writer): Promise<void> {
    await this.act(FXP.EXTENDED, (writer) => fill(writer.bytes32(utf8(name))));
  }

  close(): void {
    this.#end('it was closed');
  }
}

function statusOf(reader: Reader): SftpStatus {
  const status = reader.u32();
  const text = reader.left >= 4 ? Buffer.from(reader.bytes32(4096)).toString('utf8') : '';
  return new SftpStatus(status, text);
}

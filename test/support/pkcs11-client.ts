// A client of the p11-kit RPC protocol that speaks each call by itself: what the stock module hides
// (length queries, wrong order, other versions of the protocol) can be said and seen.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Reader } from '../../src/bytes/reader.ts';
import { Writer } from '../../src/bytes/writer.ts';
import { utf8 } from '../../src/bytes/text.ts';
import type { AttributeValue } from '../../src/keys/engine/attribute.ts';
import { CKA } from '../../src/keys/engine/pkcs11.ts';
import { CKR } from '../../src/keys/fronts/pkcs11/return-value.ts';
import type { ReturnName } from '../../src/keys/fronts/pkcs11/return-value.ts';
import { CALL_SHAPES } from '../../src/keys/fronts/pkcs11/wire/signatures.ts';
import type { CallName, CallShape } from '../../src/keys/fronts/pkcs11/wire/signatures.ts';

/** Writes one argument. */
export type Argument = (writer: Writer) => void;

const NULL = 0xffff_ffff;

/** `u` */
export function ulong(value: number): Argument {
  return (writer) => writer.u64(BigInt(value));
}

/** `y` */
export function byte(value: number): Argument {
  return (writer) => writer.u8(value);
}

/** `ay`; without bytes a null pointer. */
export function bytes(value: Uint8Array | undefined): Argument {
  return (writer) => {
    if (value === undefined) writer.u8(0).u32(0);
    else writer.u8(1).bytes32(value);
  };
}

/** `fy` and `fu`: room for so many; without a number a length query. */
export function room(size?: number): Argument {
  return (writer) => writer.u32(size === undefined ? 0 : size === 0 ? NULL : size);
}

/** `M` as releases up to 0.25.5 write it: the fields of the parameter, or a null array. */
export function mechanism(type: number, ...fields: readonly Argument[]): Argument {
  return (writer) => {
    writer.u32(type);
    if (fields.length === 0) writer.u32(NULL);
    for (const write of fields) write(writer);
  };
}

/** `M` as releases from 0.25.6 on write it. */
export function flaggedMechanism(type: number, fields: readonly Argument[]): Argument {
  return (writer) => {
    writer.u32(type).u8(fields.length > 0 ? 1 : 0);
    for (const write of fields) write(writer);
  };
}

/** A mechanism that every flagged client knows to have no parameter. */
export function bareMechanism(type: number): Argument {
  return (writer) => writer.u32(type);
}

/** CK_MECHANISM_PTR null: the operation is cancelled. */
export const noMechanism: Argument = (writer) => writer.u32(NULL);

/** A byte array inside a mechanism's parameter. */
export function field(value: Uint8Array): Argument {
  return (writer) => writer.bytes32(value);
}

const BYTE_FLAGS: ReadonlySet<number> = new Set([CKA.DESTROYABLE, CKA.STRONGROOM_CONFIRM]);

/** Attributes of a template. */
export type Attributes = readonly (readonly [number, AttributeValue])[];

/** `aA` */
export function template(...attributes: Attributes): Argument {
  return (writer) => {
    writer.u32(attributes.length);
    for (const [type, value] of attributes) writeAttribute(writer, type, value);
  };
}

function writeAttribute(writer: Writer, type: number, value: AttributeValue): void {
  writer.u32(type).u8(1);
  if (typeof value === 'boolean') {
    writer.u32(1);
    if (BYTE_FLAGS.has(type)) writer.u32(1);
    writer.u8(value ? 1 : 0);
  } else if (typeof value === 'number') {
    writer.u32(8).u64(BigInt(value));
  } else if (value instanceof Uint8Array) {
    writer.u32(value.length).bytes32(value);
  } else if (Array.isArray(value)) {
    const numbers = value as readonly number[];
    writer.u32(numbers.length * 8).u32(numbers.length);
    for (const each of numbers) writer.u64(BigInt(each));
  } else {
    assert.fail('templates in templates are not written here');
  }
}

/** `fA`: types, and the room for each value; 0 asks for its length. */
export function wanted(...attributes: readonly (readonly [number, number])[]): Argument {
  return (writer) => {
    writer.u32(attributes.length);
    for (const [type, size] of attributes) writer.u32(type).u32(size);
  };
}

/** The answer to a call: its CK_RV by name, and the arguments of a successful one. */
export class Reply {
  readonly value: ReturnName;
  readonly #reader: Reader;

  constructor(value: ReturnName, reader: Reader) {
    this.value = value;
    this.#reader = reader;
  }

  byte(): number {
    return this.#reader.u8();
  }

  u32(): number {
    return this.#reader.u32();
  }

  ulong(): number {
    return Number(BigInt.asIntN(64, this.#reader.u64()));
  }

  /** `ay`: the bytes, or how many there would be. */
  bytes(): Uint8Array | number {
    if (this.#reader.u8() === 0) return this.#reader.u32();
    return new Uint8Array(this.#reader.bytes32(1 << 20));
  }

  /** `ay` that must be there. */
  data(): Uint8Array {
    const read = this.bytes();
    assert.ok(read instanceof Uint8Array, `no bytes, ${String(read)} would fit`);
    return read;
  }

  /** `au`: the numbers, or how many there would be. */
  ulongs(): number[] | number {
    if (this.#reader.u8() === 0) return this.#reader.u32();
    return Array.from({ length: this.#reader.u32() }, () => this.ulong());
  }

  text(): string {
    return Buffer.from(this.#reader.bytes32(1024)).toString('utf8');
  }

  end(): void {
    this.#reader.end();
  }
}

const NAMES: ReadonlyMap<number, ReturnName> = new Map(
  Object.entries(CKR).map(([name, value]) => [value, name as ReturnName]),
);
const HANDSHAKE = utf8('PRIVATE-GNOME-KEYRING-PKCS11-PROTOCOL-V-1');

function shapeOf(name: CallName): CallShape {
  const shape = CALL_SHAPES.find((each) => each?.name === name);
  assert.ok(shape !== undefined);
  return shape;
}

export class RpcClient implements AsyncDisposable {
  readonly #socket: Socket;
  /** The version that the server chose. */
  readonly version: number;
  #received: Uint8Array = new Uint8Array();
  #code = 16;

  constructor(socket: Socket, version: number) {
    this.#socket = socket;
    this.version = version;
  }

  /** One whole call after the other: the reply, with its CK_RV by name. */
  async call(name: CallName, ...args: readonly Argument[]): Promise<Reply> {
    const code = this.post(name, ...args);
    const answer = await this.next(name);
    assert.equal(answer.code, code, 'the answer repeats the code of the call');
    return answer.reply;
  }

  /** Sends a call without waiting for its answer; the code of both. */
  post(name: CallName, ...args: readonly Argument[]): number {
    const shape = shapeOf(name);
    const code = this.#code++;
    const body = new Writer().u32(shape.id).bytes32(shape.request);
    for (const write of args) write(body);
    const frame = new Writer().u32(code).u32(0).bytes32(body.finish());
    this.#socket.write(frame.finish().slice());
    return code;
  }

  /** The next answer, which is one to a call of this name. */
  async next(name: CallName): Promise<{ readonly code: number; readonly reply: Reply }> {
    const answer = await this.#frame();
    const code = answer.u32();
    return { code, reply: this.#reply(shapeOf(name), answer) };
  }

  #reply(shape: CallShape, answer: Reader): Reply {
    assert.equal(answer.u32(), 0);
    assert.equal(answer.u32(), answer.left);
    const id = answer.u32();
    const signature = answer.bytes32(64);
    if (id === 0) {
      assert.equal(Buffer.from(signature).toString('latin1'), 'u');
      const value = Number(answer.u64());
      const known = NAMES.get(value);
      assert.ok(known !== undefined, `an unknown CK_RV 0x${value.toString(16)}`);
      return new Reply(known, answer);
    }
    assert.equal(id, shape.id);
    assert.deepEqual(new Uint8Array(signature), shape.replyHead.slice(8));
    return new Reply('OK', answer);
  }

  /** A call that must succeed. */
  async ok(name: CallName, ...args: readonly Argument[]): Promise<Reply> {
    const reply = await this.call(name, ...args);
    assert.equal(reply.value, 'OK', `C_${name}`);
    return reply;
  }

  async #frame(): Promise<Reader> {
    for (;;) {
      const { length } = this.#received;
      const whole = length < 12 ? Infinity : 12 + Buffer.from(this.#received).readUInt32BE(8);
      if (length >= whole) {
        const frame = this.#received.slice(0, whole);
        this.#received = this.#received.slice(whole);
        return new Reader(frame);
      }
      const [chunk] = (await once(this.#socket, 'data')) as [Buffer];
      this.#received = Uint8Array.from(Buffer.concat([this.#received, chunk]));
    }
  }

  initialise(): Promise<Reply> {
    const reserved = Uint8Array.of(0);
    return this.call('Initialize', bytes(HANDSHAKE), byte(0), bytes(reserved));
  }

  async openSession(readWrite = true): Promise<number> {
    const reply = await this.ok('OpenSession', ulong(0), ulong(readWrite ? 6 : 4));
    return reply.ulong();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    return Promise.resolve();
  }
}

/** Connects and greets; C_Initialize is the caller's, or `startClient`'s. */
export async function connectClient(path: string, offered = 1): Promise<RpcClient> {
  const socket = connect(path);
  await once(socket, 'connect');
  socket.write(Uint8Array.of(offered));
  const [greeting] = (await once(socket, 'data')) as [Buffer];
  assert.equal(greeting.length, 1);
  return new RpcClient(socket, greeting[0] ?? -1);
}

/** A client with an open read/write session whose user is logged in. */
export async function startClient(
  path: string,
  pin: string,
  offered = 1,
): Promise<{ readonly client: RpcClient; readonly session: number }> {
  const client = await connectClient(path, offered);
  assert.equal((await client.initialise()).value, 'OK');
  const session = await client.openSession();
  await client.ok('Login', ulong(session), ulong(1), bytes(utf8(pin)));
  return { client, session };
}

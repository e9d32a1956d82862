import { LineCounter, isNode, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { DecisionsError } from '../errors.ts';

/** The longest question, catalogue or rule pack that is read: 4 MiB of text. */
const MAX_DOCUMENT = 4 * 1024 * 1024;

/**
 * A value of a document with its place in it, so that an error can say `line 12, protect[0].harm`.
 * Every method checks what it returns and throws a `DecisionsError` with the code of the document.
 */
export class Field {
  readonly #source: Source;
  readonly #path: readonly (string | number)[];
  readonly value: unknown;

  constructor(source: Source, path: readonly (string | number)[], value: unknown) {
    this.#source = source;
    this.#path = path;
    this.value = value;
  }

  /** Refuses the document because of this value: `must be …`. */
  fail(must: string, mend?: string): never {
    const line = this.#source.lineOf(this.#path);
    const place = line === undefined ? this.#source.name : `${this.#source.name} line ${line}`;
    const path = this.path === '' ? 'the document' : `\`${this.path}\``;
    throw new DecisionsError(this.#source.code, `${place}: ${path} ${must}`, {
      duty: 'usage',
      ...(mend === undefined ? {} : { mend }),
    });
  }

  get path(): string {
    return this.#path
      .map((step, index) =>
        typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`,
      )
      .join('');
  }

  get missing(): boolean {
    return this.value === undefined;
  }

  /** A member of an object; its value is `undefined` when it is not there. */
  at(name: string): Field {
    const object = this.value as Readonly<Record<string, unknown>>;
    return new Field(this.#source, [...this.#path, name], object[name]);
  }

  /** An object with no members but these. */
  object(names?: readonly string[]): this {
    const { value } = this;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return this.fail(`is ${kind(value)}, and must be an object`);
    }
    const strange =
      names === undefined ? undefined : Object.keys(value).find((name) => !names.includes(name));
    if (strange !== undefined) {
      return this.at(strange).fail('is not known here', `known are: ${names?.join(', ')}`);
    }
    return this;
  }

  /** The members of an object, in the order of the file. */
  entries(): readonly (readonly [name: string, field: Field])[] {
    this.object();
    return Object.keys(this.value as object).map((name) => [name, this.at(name)]);
  }

  /** The members of a list; a missing list is empty. */
  list(most = 1000): readonly Field[] {
    const { value } = this;
    if (value === undefined) return [];
    if (!Array.isArray(value)) return this.fail(`is ${kind(value)}, and must be a list`);
    if (value.length > most) return this.fail(`has more than ${most} members`);
    return value.map((member, index) => new Field(this.#source, [...this.#path, index], member));
  }

  /** A list, or one member that stands for a list of one. */
  oneOrMore(most = 1000): readonly Field[] {
    return Array.isArray(this.value) ? this.list(most) : [this];
  }

  text(most = 2000): string {
    const { value } = this;
    if (value === undefined) return this.fail('is missing');
    if (typeof value !== 'string') return this.fail(`is ${kind(value)}, and must be text`);
    if (value.length > most) return this.fail(`is longer than ${most} characters`);
    if (!value.isWellFormed()) return this.fail('is not well-formed Unicode');
    return value;
  }

  /** A name that other places refer to: lower-case letters, digits, `-`, `.`. */
  id(): string {
    const text = this.text(64);
    if (/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/.test(text)) return text;
    return this.fail(`is \`${text}\`, and must be lower-case letters, digits, \`-\` and \`.\``);
  }

  oneOf<const Word extends string>(words: readonly Word[], otherwise?: Word): Word {
    if (this.missing && otherwise !== undefined) return otherwise;
    const text = this.text();
    const word = words.find((each) => each === text);
    return word ?? this.fail(`is \`${text}\`, and must be one of: ${words.join(', ')}`);
  }

  integer(least: number, most: number): number {
    const { value } = this;
    if (value === undefined) return this.fail('is missing');
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) {
      return value;
    }
    return this.fail(
      `is ${typeof value === 'number' ? value : kind(value)}, and must be a whole number from ${least} to ${most}`,
    );
  }

  flag(otherwise: boolean): boolean {
    const { value } = this;
    if (value === undefined) return otherwise;
    if (value === true || value === 'yes') return true;
    if (value === false || value === 'no') return false;
    return this.fail('must be yes or no');
  }

  /** A day that exists, `2026-11-25`. */
  day(): string {
    const text = this.text(10);
    return isDay(text) ? text : this.fail(`is \`${text}\`, and must be a day like 2026-11-25`);
  }
}

/** Whether the text is a day of the calendar, `2026-11-25`. */
export function isDay(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (match === null) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return days !== undefined && day >= 1 && day <= days;
}

/** Where a document came from and where its lines are. */
export interface Source {
  /** What errors call it: a file name, or `the question`. */
  readonly name: string;
  /** The code of the error when it is refused. */
  readonly code: string;
  lineOf(path: readonly (string | number)[]): number | undefined;
}

/**
 * Reads JSON or YAML 1.2 (JSON is a part of it): no tags, no aliases, no member twice.
 * @throws {DecisionsError} with `code`, naming the line
 */
export function readDocument(text: string, name: string, code: string): Field {
  const refuse = (message: string): DecisionsError =>
    new DecisionsError(code, `${name}: ${message}`, { duty: 'usage' });
  if (text.length > MAX_DOCUMENT) throw refuse('the file is larger than 4 MiB');
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    version: '1.2',
    schema: 'core',
    strict: true,
    uniqueKeys: true,
    prettyErrors: false,
    resolveKnownTags: false,
    logLevel: 'error',
  });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line } = lines.linePos(error.pos[0]);
    throw new DecisionsError(code, `${name} line ${line}: ${firstSentence(error.message)}`, {
      duty: 'usage',
      mend: 'the file must be JSON or YAML',
    });
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch {
    throw refuse('aliases are not read');
  }
  const source: Source = { name, code, lineOf: (path) => lineOf(document, lines, path) };
  return new Field(source, [], value);
}

/** A value that was not read from a file: the same checks, without lines. */
export function fieldOf(value: unknown, name: string, code: string): Field {
  return new Field({ name, code, lineOf: () => undefined }, [], value);
}

function lineOf(
  document: Document,
  lines: LineCounter,
  path: readonly (string | number)[],
): number | undefined {
  // A missing member has no line of its own: its nearest ancestor has.
  for (let length = path.length; length >= 0; length -= 1) {
    const steps = path.slice(0, length);
    const node: unknown = steps.length === 0 ? document.contents : document.getIn(steps, true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return undefined;
}

function firstSentence(message: string): string {
  const line = message.split('\n')[0] ?? message;
  return line.charAt(0).toLowerCase() + line.slice(1).replace(/\.$/, '');
}

function kind(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') return `\`${value.slice(0, 40)}\``;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeof value;
}

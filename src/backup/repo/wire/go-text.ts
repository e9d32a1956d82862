/**
 * Text as Go's encoders write it. Trees are named by the hash of their JSON, so ours must be equal
 * to restic's to the byte: another spelling of the same name would store every tree twice.
 *
 * A *raw* string holds bytes, one a character (latin1): names of files are bytes, not text, and in
 * this form their order as strings is their order as bytes.
 */

/** Printable ASCII without `"`, `\`, and what Go's JSON writes as an escape: `<`, `>`, `&`. */
const PLAIN = /^[ !#-%'-;=?-[\]-~]*$/;

/** What strconv.IsPrint lets stand: letters, marks, numbers, punctuation, symbols, the space. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** ECMA-404 characters that encoding/json escapes by two characters. */
const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

// oxlint-disable-next-line no-control-regex -- control characters are what must be escaped
const JSON_ESCAPED = /["\\\u0000-\u001f<>&\u2028\u2029]/g;

function hex4(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

/** One rune of raw bytes: its code point, or -1 where the bytes are not UTF-8, and its width. */
function runeAt(raw: string, at: number): { readonly code: number; readonly width: number } {
  const first = raw.charCodeAt(at);
  if (first < 0x80) return { code: first, width: 1 };
  const width = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + width > raw.length) return { code: -1, width: 1 };
  let code = first & (0xff >> (width + 1));
  for (let index = 1; index < width; index++) {
    const next = raw.charCodeAt(at + index);
    if ((next & 0xc0) !== 0x80) return { code: -1, width: 1 };
    code = (code << 6) | (next & 0x3f);
  }
  const least = width === 2 ? 0x80 : width === 3 ? 0x800 : 0x10000;
  if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
    return { code: -1, width: 1 };
  }
  return { code, width };
}

/** The text of raw bytes; bytes that are not UTF-8 become U+FFFD each, as in Go. */
export function textOfRaw(raw: string): string {
  if (PLAIN.test(raw)) return raw;
  let text = '';
  for (let at = 0; at < raw.length;) {
    const { code, width } = runeAt(raw, at);
    text += code < 0 ? '\ufffd' : String.fromCodePoint(code);
    at += width;
  }
  return text;
}

/** Whether raw bytes are UTF-8. */
export function isUtf8(raw: string): boolean {
  for (let at = 0; at < raw.length;) {
    const { code, width } = runeAt(raw, at);
    if (code < 0) return false;
    at += width;
  }
  return true;
}

const encoder = new TextEncoder();

/** The raw bytes of text. */
export function rawOfText(text: string): string {
  if (PLAIN.test(text)) return text;
  let raw = '';
  for (const byte of encoder.encode(text)) raw += String.fromCharCode(byte);
  return raw;
}

/** A JSON string as encoding/json writes it, quotation marks included. */
export function jsonString(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  const escaped = text
    .toWellFormed()
    .replaceAll(JSON_ESCAPED, (character) => SHORT[character] ?? hex4(character.charCodeAt(0)));
  return `"${escaped}"`;
}

/** A JSON string of raw bytes; as in Go, what is not UTF-8 is written `\ufffd`. */
export function jsonRaw(raw: string): string {
  if (PLAIN.test(raw)) return `"${raw}"`;
  let whole = '';
  for (let at = 0; at < raw.length;) {
    const { code, width } = runeAt(raw, at);
    if (code < 0) whole += '\\ufffd';
    else {
      const character = String.fromCodePoint(code);
      whole += jsonString(character).slice(1, -1);
    }
    at += width;
  }
  return `"${whole}"`;
}

const QUOTED: Readonly<Record<number, string>> = {
  0x22: '\\"',
  0x5c: '\\\\',
  0x07: '\\a',
  0x08: '\\b',
  0x09: '\\t',
  0x0a: '\\n',
  0x0b: '\\v',
  0x0c: '\\f',
  0x0d: '\\r',
};

/** strconv.Quote of raw bytes without the quotation marks, as text. */
export function quoteGo(raw: string): string {
  if (PLAIN.test(raw)) return raw;
  let quoted = '';
  for (let at = 0; at < raw.length;) {
    const { code, width } = runeAt(raw, at);
    if (code < 0) {
      quoted += `\\x${raw.charCodeAt(at).toString(16).padStart(2, '0')}`;
    } else {
      const short = QUOTED[code];
      const character = String.fromCodePoint(code);
      if (short !== undefined) quoted += short;
      else if (PRINTABLE.test(character)) quoted += character;
      else if (code < 0x20 || code === 0x7f) {
        quoted += `\\x${code.toString(16).padStart(2, '0')}`;
      } else if (code < 0x10000) quoted += hex4(code);
      else quoted += `\\U${code.toString(16).padStart(8, '0')}`;
    }
    at += width;
  }
  return quoted;
}

const ESCAPE =
  /\\(?:([abfnrtv\\"'])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))|["\\\n]/g;

const UNQUOTED: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};

/**
 * The raw bytes of what `quoteGo` wrote (strconv.Unquote).
 * @returns `undefined` when it is not the inside of a Go string
 */
export function unquoteGo(quoted: string): string | undefined {
  if (PLAIN.test(quoted)) return quoted;
  let raw = '';
  let last = 0;
  ESCAPE.lastIndex = 0;
  for (const match of quoted.matchAll(ESCAPE)) {
    raw += rawOfText(quoted.slice(last, match.index));
    last = match.index + match[0].length;
    const [, short, byte, four, eight, octal] = match;
    if (short !== undefined) {
      const character = UNQUOTED[short];
      if (character === undefined) return undefined;
      raw += character;
    } else if (byte !== undefined) raw += String.fromCharCode(Number.parseInt(byte, 16));
    else if (octal !== undefined) {
      const value = Number.parseInt(octal, 8);
      if (value > 255) return undefined;
      raw += String.fromCharCode(value);
    } else {
      const code = Number.parseInt(four ?? eight ?? '', 16);
      if (Number.isNaN(code) || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        return undefined;
      }
      raw += rawOfText(String.fromCodePoint(code));
    }
  }
  return raw + rawOfText(quoted.slice(last));
}

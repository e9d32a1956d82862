import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  isUtf8,
  jsonRaw,
  jsonString,
  quoteGo,
  rawOfText,
  textOfRaw,
  unquoteGo,
} from '../../../../src/backup/repo/wire/go-text.ts';

const raw = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

test('names are quoted as strconv.Quote does', () => {
  // Written by Go: the examples of strconv's own documentation and of names that hurt.
  const cases: readonly (readonly [string, string])[] = [
    ['plain', 'plain'],
    ['a"b\\c', 'a\\"b\\\\c'],
    ['\x07\b\f\n\r\t\v', '\\a\\b\\f\\n\\r\\t\\v'],
    ['\x00\x1f\x7f', '\\x00\\x1f\\x7f'],
    ['\xff\xfe', '\\xff\\xfe'],
    ['abc\xffdef', 'abc\\xffdef'],
    [rawOfText('☺'), '☺'],
    [rawOfText('\u2028\u00a0\ufeff'), '\\u2028\\u00a0\\ufeff'],
    [rawOfText('\u{10ffff}'), '\\U0010ffff'],
    [rawOfText('日本語 ü'), '日本語 ü'],
    ['\xed\xa0\x80', '\\xed\\xa0\\x80'],
    ['\xc0\x80', '\\xc0\\x80'],
    ["'", "'"],
  ];
  for (const [from, to] of cases) {
    assert.equal(quoteGo(from), to);
    assert.equal(unquoteGo(to), from);
  }
});

test('what was quoted is unquoted to the same bytes', () => {
  fc.assert(fc.property(raw, (name) => unquoteGo(quoteGo(name)) === name));
});

test('what is no quoted string is refused', () => {
  for (const bad of [
    'a"b',
    'a\\',
    '\\q',
    '\\x1',
    '\\u12',
    '\\ud800',
    '\\U00110000',
    '\\777',
    'a\nb',
    "\\'",
  ]) {
    assert.equal(unquoteGo(bad), undefined, JSON.stringify(bad));
  }
});

test('raw bytes that are UTF-8 are the same as their text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.equal(textOfRaw(rawOfText(text)), text);
      assert.ok(isUtf8(rawOfText(text)));
      assert.equal(jsonRaw(rawOfText(text)), jsonString(text));
    }),
  );
  fc.assert(
    fc.property(raw, (bytes) => {
      const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
      let valid = true;
      try {
        decoder.decode(Buffer.from(bytes, 'latin1'));
      } catch {
        valid = false;
      }
      assert.equal(isUtf8(bytes), valid);
    }),
  );
});

test('strings are escaped as encoding/json does', () => {
  assert.equal(
    jsonString('<a & "b">\u2028\u007f\u0001\b'),
    '"\\u003ca \\u0026 \\"b\\"\\u003e\\u2028\u007f\\u0001\\b"',
  );
  assert.equal(jsonRaw('a\xff\xfeb'), '"a\\ufffd\\ufffdb"');
  fc.assert(fc.property(fc.string(), (text) => JSON.parse(jsonString(text)) === text));
});

import type { Field } from './document.ts';

/** The languages of every text here (R103). */
export const LANGUAGES = ['en', 'ja'] as const;
export type Language = (typeof LANGUAGES)[number];

/** One thing said in every language; `{name}` is a blank. */
export type Text = Readonly<Record<Language, string>>;

/** Reads a text that must exist in every language. */
export function readText(field: Field): Text {
  field.object(LANGUAGES);
  return { en: notEmpty(field.at('en')), ja: notEmpty(field.at('ja')) };
}

function notEmpty(field: Field): string {
  const text = field.text();
  return text.trim() === '' ? field.fail('is empty') : text;
}

/** Fills the blanks of a text; a blank that nobody fills stays visible. */
export function fill(text: string, blanks: Readonly<Record<string, string>>): string {
  return text.replace(/\{([a-z-]+)\}/g, (whole, name: string) => blanks[name] ?? whole);
}

/** The blanks of a text, sorted by first use. */
export function blanksOf(text: string): readonly string[] {
  return [...new Set([...text.matchAll(/\{([a-z-]+)\}/g)].map((match) => match[1] as string))];
}

/** The one order of texts everywhere in this part: by UTF-16 code units, which no locale changes. */
export function byCodeUnits(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Sorted by code units, each once. */
export function sortedSet(texts: Iterable<string>): readonly string[] {
  return [...new Set(texts)].sort(byCodeUnits);
}

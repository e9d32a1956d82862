/** Insertions, deletions, exchanges and swaps of neighbours between two words (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, row) =>
    Array.from({ length: b.length + 1 }, (_each, column) => (row === 0 ? column : row)),
  );
  const at = (row: number, column: number): number => rows[row]?.[column] ?? 0;
  for (let row = 1; row <= a.length; row++) {
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      let least = Math.min(
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + same,
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        least = Math.min(least, at(row - 2, column - 2) + 1);
      }
      (rows[row] as number[])[column] = least;
    }
  }
  return at(a.length, b.length);
}

/** The word that was probably meant, or `undefined` when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const typed = word.toLowerCase().slice(0, 64);
  const most = typed.length < 4 ? 1 : 2;
  let best: { readonly word: string; readonly away: number } | undefined;
  for (const candidate of candidates) {
    const away = distance(typed, candidate);
    if (away <= most && (best === undefined || away < best.away)) best = { word: candidate, away };
  }
  return best?.word ?? candidates.find((each) => typed.length >= 3 && each.startsWith(typed));
}

/** One line of a benchmark: what was measured here and, in the same run, at the peer. */
export interface BenchRow {
  /** What was done, `ECDSA P-256 sign, 4 threads`. */
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  /** The peer's program and version, and its figure; absent where there is none to run here. */
  readonly peer?: { readonly name: string; readonly value: number };
  /** Whether more is better; otherwise less is. */
  readonly more: boolean;
  readonly remark?: string;
}

/** The rows of a benchmark as a Markdown table; a ratio over 1 is in our favour. */
export function table(rows: readonly BenchRow[]): string {
  const lines = rows.map((row) => {
    const ratio =
      row.peer === undefined
        ? ''
        : (row.more ? row.ours / row.peer.value : row.peer.value / row.ours).toFixed(2);
    const peer = row.peer === undefined ? '' : `${row.peer.name}: ${figure(row.peer.value)}`;
    return `| ${row.name} | ${row.unit} | ${figure(row.ours)} | ${peer} | ${ratio} | ${row.remark ?? ''} |`;
  });
  return [
    '| what | unit | Strongroom | peer | ratio | remark |',
    '|---|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}

function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);
}

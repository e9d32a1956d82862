import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Exposure } from '../model/answer.ts';
import { byCodeUnits } from '../model/order.ts';
import type { Question } from '../model/question.ts';
import type { Verdict } from '../model/verdict.ts';
import type { ReachRow, RulePack } from '../rules/pack.ts';
import { verdictsOf } from './advise.ts';

/** What happens to one option when one row of the reach table moves by one. */
export interface Move {
  readonly row: string;
  readonly by: 1 | -1;
  readonly option: string;
  readonly from: Verdict;
  readonly to: Verdict;
}

/** How firm an answer is: the rows were all moved, one at a time, and these changed a verdict. */
export interface Sensitivity {
  /** Rows that were moved, up and down where there is room. */
  readonly rows: number;
  readonly tried: number;
  readonly moves: readonly Move[];
}

/**
 * Moves every row of the reach table by one, up and down, and tells which verdicts change. The
 * levels are ordinal opinions; this shows which of them an answer rests on.
 * @throws {DecisionsError} as `advise` does
 */
export function sensitivityOf(
  question: Question,
  pack: RulePack,
  catalogue: Catalogue,
  now: string,
): Sensitivity {
  const before = verdictsOf(question, pack, catalogue, now);
  const moves: Move[] = [];
  let tried = 0;
  for (const row of pack.reach) {
    for (const by of [-1, 1] as const) {
      const reach = row.reach + by;
      if (reach < 0 || reach > 3) continue;
      tried += 1;
      const moved = { ...pack, reach: replaced(pack.reach, row, reach as Exposure) };
      for (const [option, to] of verdictsOf(question, moved, catalogue, now)) {
        const from = before.get(option);
        if (from !== undefined && from !== to) moves.push({ row: row.id, by, option, from, to });
      }
    }
  }
  moves.sort(
    (one, other) =>
      byCodeUnits(one.option, other.option) || byCodeUnits(one.row, other.row) || one.by - other.by,
  );
  return { rows: pack.reach.length, tried, moves };
}

function replaced(rows: readonly ReachRow[], row: ReachRow, reach: Exposure): readonly ReachRow[] {
  const moved = { ...row, reach };
  return rows.map((each) => (each === row ? moved : each));
}

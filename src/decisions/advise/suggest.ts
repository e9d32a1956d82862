import type { OptionAnswer, SplitSuggestion } from '../model/answer.ts';
import type { Option, Use } from '../model/question.ts';
import { isAllowed, rank } from '../model/verdict.ts';
import { evaluate } from './evaluate.ts';
import { newLedger } from './facts.ts';
import type { Sources } from './facts.ts';
import { sharedNames } from './residuals.ts';
import type { Rules } from './rules.ts';

/** How many ways of dividing are tried at most: the best options go first. */
const MOST_WAYS = 64;

/**
 * Looks for a way to send each part by another option that is better than the best single option:
 * a better verdict, or the same with a smaller deficit. Only when the question names parts.
 * @param ranked the options in order of rank
 */
export function suggestSplit(
  rules: Rules,
  sources: Sources,
  ranked: readonly OptionAnswer[],
): SplitSuggestion | undefined {
  const { parts, options } = sources.question;
  if (parts.length < 2) return undefined;
  const uses = new Map<string, Use>(
    options.flatMap((option) => ('use' in option ? [[option.id, option.use] as const] : [])),
  );
  const single = ranked.filter(
    (option) => option.kind === 'use' && rank(option.verdict) <= rank('do-not'),
  );
  const [best] = single;
  if (best === undefined) return undefined;
  const width = Math.floor(MOST_WAYS ** (1 / parts.length) + 1e-9);
  const ids = single.slice(0, Math.max(2, width)).map((option) => option.id);
  let found: SplitSuggestion | undefined;
  for (const way of ways(ids, parts.length)) {
    if (new Set(way).size < 2) continue;
    const option: Option = {
      id: 'split',
      split: parts.map((part, index) => ({
        part: part.id,
        use: uses.get(way[index] as string) as Use,
      })),
    };
    const evaluation = evaluate(rules, sources, newLedger(), option);
    const deficit = evaluation.pairs.reduce(
      (total, pair) => total + rules.pack.deficits[pair.verdict],
      0,
    );
    const suggestion: SplitSuggestion = {
      parts: parts.map((part, index) => ({ part: part.id, option: way[index] as string })),
      verdict: evaluation.verdict,
      deficit,
      shared: sharedNames(evaluation),
    };
    if (found === undefined || isBetter(suggestion, found)) found = suggestion;
  }
  if (found === undefined || !isAllowed(found.verdict)) return undefined;
  const better =
    rank(found.verdict) < rank(best.verdict) ||
    (found.verdict === best.verdict && found.deficit < best.deficit);
  return better ? found : undefined;
}

function isBetter(one: SplitSuggestion, other: SplitSuggestion): boolean {
  const difference =
    rank(one.verdict) - rank(other.verdict) ||
    one.deficit - other.deficit ||
    one.shared.length - other.shared.length;
  return difference < 0;
}

/** Every way to give each of `count` parts one of the ids, the earlier ids first. */
function* ways(ids: readonly string[], count: number): Generator<readonly string[]> {
  if (count === 0) {
    yield [];
    return;
  }
  for (const first of ids) {
    for (const rest of ways(ids, count - 1)) yield [first, ...rest];
  }
}

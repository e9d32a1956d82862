import type { OptionAnswer } from '../model/answer.ts';
import { byCodeUnits } from '../model/order.ts';
import type { GiveUp } from '../model/question.ts';
import { isAllowed } from '../model/verdict.ts';
import type { OrderKey, RulePack } from '../rules/pack.ts';

/** Less is better. */
function measure(option: OptionAnswer, key: OrderKey): number {
  switch (key) {
    case 'allowed':
      return isAllowed(option.verdict) ? 0 : 1;
    case 'deficit':
      return option.deficit;
    case 'ease':
      return option.effort;
    case 'exposure':
      return option.exposure;
    case 'shared':
      return option.shared.length;
    case 'cost':
      return option.cost;
  }
}

/**
 * The options in order of rank for what the person gives up (4.2, step 9). The id comes last, so
 * that the order never depends on the order of the question.
 */
export function inOrder(
  pack: RulePack,
  giveUp: GiveUp,
  options: readonly OptionAnswer[],
): readonly OptionAnswer[] {
  const keys = pack.orders[giveUp];
  return [...options].sort((one, other) => {
    for (const key of keys) {
      const difference = measure(one, key) - measure(other, key);
      if (difference !== 0) return difference;
    }
    return byCodeUnits(one.id, other.id);
  });
}

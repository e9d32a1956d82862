import shipped from './pack.json' with { type: 'json' };
import type { RulePack } from './pack.ts';
import { checkRulePack } from './read-pack.ts';

let pack: RulePack | undefined;

/** The rules that come with Strongroom, read and checked once. */
export function defaultRulePack(): RulePack {
  pack ??= checkRulePack(shipped, 'the shipped rule pack');
  return pack;
}

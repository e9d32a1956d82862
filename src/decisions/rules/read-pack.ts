import { fieldOf, readDocument } from '../model/document.ts';
import type { Field } from '../model/document.ts';
import { ADVERSARY_KINDS, GIVE_UPS, INFOS } from '../model/question.ts';
import { readText } from '../model/text.ts';
import { VERDICTS, rank } from '../model/verdict.ts';
import type { Label, Verdict } from '../model/verdict.ts';
import type { Exposure } from '../model/answer.ts';
import { ADVICE_IDS, COMPONENT_KINDS, CONDITIONS, FLOOR_IDS, ORDER_KEYS } from './pack.ts';
import type { Condition, ReachRow, Rule, RulePack, VerdictRow } from './pack.ts';

const CODE = 'RULES_INVALID';
const MEMBERS = [
  'format',
  'name',
  'version',
  'title',
  'levels',
  'reach',
  'verdicts',
  'adjustments',
  'floors',
  'unavailable',
  'advice',
  'deficits',
  'orders',
] as const;

/**
 * Reads a rule pack from JSON or YAML and checks it whole: every row said in every language, every
 * cell of the verdict table there, and no cell better than a cell with less harm or less exposure.
 * @throws {DecisionsError} RULES_INVALID, naming the line
 */
export function readRulePack(text: string, name = 'the rule pack'): RulePack {
  return packOf(readDocument(text, name, CODE));
}

/** Checks a rule pack that is already a value. @throws {DecisionsError} RULES_INVALID */
export function checkRulePack(value: unknown, name = 'the rule pack'): RulePack {
  return packOf(fieldOf(value, name, CODE));
}

function packOf(field: Field): RulePack {
  field.object(MEMBERS);
  if (field.at('format').value !== 1) field.at('format').fail('must be 1');
  const pack: RulePack = {
    format: 1,
    name: field.at('name').id(),
    version: field.at('version').text(32),
    title: readText(field.at('title')),
    levels: levelsOf(field.at('levels').object(['harm', 'exposure'])),
    reach: field.at('reach').list().map(reachRowOf),
    verdicts: field.at('verdicts').list().map(verdictRowOf),
    adjustments: adjustmentsOf(field.at('adjustments')),
    floors: named(field.at('floors'), FLOOR_IDS),
    unavailable: ruleOf(field.at('unavailable').object(['id', 'sentence', 'reason'])),
    advice: named(field.at('advice'), ADVICE_IDS),
    deficits: deficitsOf(field.at('deficits')),
    orders: ordersOf(field.at('orders')),
  };
  checkTable(field.at('verdicts'), pack.verdicts);
  checkIds(field, pack);
  return pack;
}

function ruleOf(field: Field): Rule {
  return {
    id: field.at('id').id(),
    sentence: readText(field.at('sentence')),
    reason: readText(field.at('reason')),
  };
}

function levelsOf(field: Field): RulePack['levels'] {
  const texts = (name: string, count: number) => {
    const list = field.at(name).list();
    if (list.length !== count) field.at(name).fail(`must have ${count} members`);
    return list.map(readText);
  };
  return { harm: texts('harm', 5), exposure: texts('exposure', 4) };
}

function reachRowOf(field: Field): ReachRow {
  field.object(['id', 'component', 'against', 'when', 'reach', 'sentence', 'reason']);
  const when: Partial<Record<Condition, string>> = {};
  if (!field.at('when').missing) {
    for (const [name, value] of field.at('when').object(Object.keys(CONDITIONS)).entries()) {
      const condition = name as Condition;
      when[condition] = value.oneOf<string>(CONDITIONS[condition]);
    }
  }
  const some = (name: string): readonly Field[] => {
    const list = field.at(name).list();
    return list.length === 0 ? field.at(name).fail('must not be empty') : list;
  };
  return {
    ...ruleOf(field),
    component: some('component').map((each) => each.oneOf(COMPONENT_KINDS)),
    against: some('against').map((each) => each.oneOf(ADVERSARY_KINDS)),
    when,
    reach: field.at('reach').integer(0, 3) as Exposure,
  };
}

function verdictRowOf(field: Field): VerdictRow {
  field.object(['id', 'harm', 'exposure', 'verdict', 'sentence', 'reason']);
  return {
    ...ruleOf(field),
    harm: field.at('harm').integer(0, 4) as Label,
    exposure: field.at('exposure').integer(0, 3) as Exposure,
    verdict: field
      .at('verdict')
      .oneOf<Verdict>(['fine', 'note', 'accept', 'accept-by-two', 'do-not']),
  };
}

function adjustmentsOf(field: Field): RulePack['adjustments'] {
  field.object(['foreignReach', 'transient', 'split']);
  const base = ['id', 'sentence', 'reason'];
  const foreign = field.at('foreignReach').object([...base, 'raise', 'from', 'to', 'infos']);
  const transient = field.at('transient').object([...base, 'lower', 'against']);
  const split = field.at('split').object([...base, 'lower']);
  const from = foreign.at('from').integer(0, 4) as Label;
  const raise = foreign.at('raise').integer(0, 4);
  const to = foreign.at('to').integer(from, 4) as Label;
  if (raise > 1 && to < 4) {
    foreign
      .at('raise')
      .fail('must be 0 or 1, or `to` must be 4', 'otherwise less harm counts more');
  }
  return {
    foreignReach: {
      ...ruleOf(foreign),
      raise,
      from,
      to,
      infos: foreign
        .at('infos')
        .list()
        .map((each) => each.oneOf(INFOS)),
    },
    transient: {
      ...ruleOf(transient),
      lower: transient.at('lower').integer(0, 3),
      against: transient
        .at('against')
        .list()
        .map((each) => each.oneOf(ADVERSARY_KINDS)),
    },
    split: { ...ruleOf(split), lower: split.at('lower').integer(0, 3) },
  };
}

/** A list that must hold exactly these rules. */
function named(field: Field, ids: readonly string[]): readonly Rule[] {
  const rules = field.list().map((each) => ruleOf(each.object(['id', 'sentence', 'reason'])));
  for (const [index, rule] of rules.entries()) {
    if (!ids.includes(rule.id))
      field.list()[index]?.fail(`has an id that is not known: ${rule.id}`);
  }
  const missing = ids.find((id) => !rules.some((rule) => rule.id === id));
  if (missing !== undefined) field.fail(`has no rule \`${missing}\``);
  return rules;
}

function deficitsOf(field: Field): RulePack['deficits'] {
  field.object(VERDICTS);
  const deficit = (verdict: Verdict): number => field.at(verdict).integer(0, 1_000_000_000);
  return {
    fine: deficit('fine'),
    note: deficit('note'),
    accept: deficit('accept'),
    'accept-by-two': deficit('accept-by-two'),
    'do-not': deficit('do-not'),
    refuse: deficit('refuse'),
    unavailable: deficit('unavailable'),
  };
}

function ordersOf(field: Field): RulePack['orders'] {
  field.object(GIVE_UPS);
  const keys = (name: string) =>
    field
      .at(name)
      .list()
      .map((each) => each.oneOf(ORDER_KEYS));
  return { security: keys('security'), ease: keys('ease'), cost: keys('cost') };
}

/** Without this the laws do not hold: more harm or more reach would improve a verdict. */
function checkTable(field: Field, rows: readonly VerdictRow[]): void {
  const cell = (harm: number, exposure: number): VerdictRow => {
    const found = rows.filter((row) => row.harm === harm && row.exposure === exposure);
    const [row] = found;
    if (row === undefined || found.length > 1) {
      return field.fail(`must have one row for harm ${harm} and exposure ${exposure}`);
    }
    return row;
  };
  for (let harm = 0; harm <= 4; harm += 1) {
    for (let exposure = 0; exposure <= 3; exposure += 1) {
      const here = rank(cell(harm, exposure).verdict);
      const less = harm > 0 ? rank(cell(harm - 1, exposure).verdict) : 0;
      const nearer = exposure > 0 ? rank(cell(harm, exposure - 1).verdict) : 0;
      if (here < less || here < nearer) {
        field.fail(`row for harm ${harm} and exposure ${exposure} is better than one with less`);
      }
    }
  }
}

function checkIds(field: Field, pack: RulePack): void {
  const seen = new Set<string>();
  for (const rule of rulesOf(pack)) {
    if (seen.has(rule.id)) field.fail(`has two rules with the id \`${rule.id}\``);
    seen.add(rule.id);
  }
}

/** Every row of a pack, whatever it is for. */
export function rulesOf(pack: RulePack): readonly Rule[] {
  const { foreignReach, transient, split } = pack.adjustments;
  return [
    ...pack.reach,
    ...pack.verdicts,
    foreignReach,
    transient,
    split,
    ...pack.floors,
    pack.unavailable,
    ...pack.advice,
  ];
}

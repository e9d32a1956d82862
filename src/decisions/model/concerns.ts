import type { Field } from './document.ts';
import { byCodeUnits } from './order.ts';
import { ADVERSARY_KINDS, INFOS } from './question.ts';
import type { AdversaryKind, Concern, Info, Purpose, Question } from './question.ts';
import type { Label } from './verdict.ts';

/** What can come out at all when something is done with this purpose. */
const INFOS_OF: Readonly<Record<Purpose, readonly Info[]>> = {
  store: INFOS,
  send: INFOS,
  resolve: INFOS,
  run: ['content'],
  'keep-key': ['content'],
};

/** The information that a purpose puts at stake. */
export function infosOf(purpose: Purpose): readonly Info[] {
  return INFOS_OF[purpose];
}

/** The kind of an adversary, `legal` of `legal(US)`, or `undefined`. */
export function adversaryKind(adversary: string): AdversaryKind | undefined {
  const bare = /^(legal|state)\([A-Z]{2}\)$/.exec(adversary)?.[1] ?? adversary;
  return ADVERSARY_KINDS.find((kind) => kind === bare);
}

interface Entry {
  readonly field: Field;
  readonly infos: readonly Info[];
  readonly from: readonly string[];
  readonly rest: Omit<Concern, 'info' | 'from'>;
}

/**
 * Reads who must not get what. Every pair of information and adversary must be answered or ignored
 * with a reason (R92): `from: all` means every adversary, `from: others` those that no other entry
 * names. The result has one concern a pair, sorted.
 */
export function readConcerns(
  field: Field,
  purpose: Purpose,
  subject: Question['subject'],
): readonly Concern[] {
  const infos = infosOf(purpose);
  const entries = field.list().map((each) => entryOf(each, infos));
  const pairs = new Map<string, Concern>();
  for (const { field: place, infos: about, from, rest } of entries) {
    for (const info of about) {
      for (const adversary of expand(from, info, entries)) {
        const key = `${info} ${adversary}`;
        const known = pairs.get(key);
        const concern: Concern = { info, from: adversary, ...rest };
        if (known !== undefined && (known.harm === undefined) !== (concern.harm === undefined)) {
          place.fail(`both answers and ignores \`${info}\` against \`${adversary}\``);
        }
        if (known === undefined || outweighs(concern, known)) pairs.set(key, concern);
      }
    }
  }
  const concerns = [...pairs.values()];
  for (const info of infos) {
    for (const kind of ADVERSARY_KINDS) {
      const considered = concerns.some(
        (each) => each.info === info && adversaryKind(each.from) === kind,
      );
      if (!considered) {
        field.fail(
          `says nothing of \`${info}\` against \`${kind}\``,
          `add a harm, or { info: ${info}, from: others, ignored: why }`,
        );
      }
    }
  }
  if (subject === 'whole-device') {
    const nothing = concerns.find((each) => each.info === 'content' && each.harm === 0);
    if (nothing !== undefined) {
      field.fail(
        `sets a whole device to harm 0 against \`${nothing.from}\``,
        'a whole device is at least harm 1: nobody knows all that is on it',
      );
    }
  }
  return concerns.sort(
    (one, other) => byCodeUnits(one.info, other.info) || byCodeUnits(one.from, other.from),
  );
}

/** The greater harm stands; of equal ones the reason that sorts first, whatever the order given. */
function outweighs(one: Concern, other: Concern): boolean {
  const more = (one.harm ?? 0) - (other.harm ?? 0);
  if (more !== 0) return more > 0;
  return byCodeUnits(one.reason ?? one.ignored ?? '', other.reason ?? other.ignored ?? '') < 0;
}

function entryOf(field: Field, allowed: readonly Info[]): Entry {
  field.object(['info', 'from', 'harm', 'reason', 'ignored']);
  const infos = field
    .at('info')
    .oneOrMore(INFOS.length)
    .map((each) => each.oneOf(INFOS));
  const strange = infos.find((info) => !allowed.includes(info));
  if (strange !== undefined) field.at('info').fail(`is \`${strange}\`, which is not at stake here`);
  const from = field.at('from').missing
    ? ['all']
    : field.at('from').oneOrMore(100).map(adversaryOf);
  const ignored = field.at('ignored');
  if (!ignored.missing) {
    if (!field.at('harm').missing) ignored.fail('stands beside `harm`: it is one or the other');
    const why = ignored.text();
    if (why.trim() === '') ignored.fail('must say why');
    return { field, infos, from, rest: { ignored: why } };
  }
  const reason = field.at('reason');
  return {
    field,
    infos,
    from,
    rest: {
      harm: field.at('harm').integer(0, 4) as Label,
      ...(reason.missing ? {} : { reason: reason.text() }),
    },
  };
}

function adversaryOf(field: Field): string {
  const text = field.text(64);
  if (text === 'all' || text === 'others' || adversaryKind(text) !== undefined) return text;
  return field.fail(
    `is \`${text}\`, and must be all, others, or one of: ${ADVERSARY_KINDS.join(', ')}`,
    'legal and state may name a country: legal(US)',
  );
}

function expand(from: readonly string[], info: Info, entries: readonly Entry[]): readonly string[] {
  return from.flatMap((each) => {
    if (each === 'all') return ADVERSARY_KINDS;
    if (each !== 'others') return [each];
    const named = new Set(
      entries
        .filter((entry) => entry.infos.includes(info))
        .flatMap((entry) => entry.from)
        .map(adversaryKind),
    );
    return ADVERSARY_KINDS.filter((kind) => !named.has(kind));
  });
}

import type { Device, Info } from '../model/question.ts';
import { sortedSet } from '../model/order.ts';
import type { ComponentKind, Condition } from '../rules/pack.ts';
import type { Facts } from './facts.ts';

/** Whether an information can be read somewhere; `transient`: while it passes, and no copy stays. */
export type Readable = 'no' | 'yes' | 'transient';

/** One part of the attack surface of an option, as far as it is known. */
export interface Component {
  readonly id: string;
  readonly kind: ComponentKind;
  /** Countries whose law binds its operator, maker or owner; `undefined` when nobody knows. */
  readonly countries: readonly string[] | undefined;
  /** Whether it is one or the other of `countries`, and nobody knows which. */
  readonly unsure?: boolean;
  /** What rows of the rule pack may ask; what is missing is unknown. */
  readonly attributes: Readonly<Partial<Record<Condition, string>>>;
  readonly readable: Readonly<Record<Info, Readable>>;
  /** Whether somebody else runs it: where the foreign-reach rule looks. */
  readonly operated: boolean;
  /** Two parts that have a component with the same key share it. */
  readonly shareKey: string;
  readonly device?: string;
  readonly service?: string;
}

const NOTHING: Readonly<Record<Info, Readable>> = { content: 'no', contacts: 'no', use: 'no' };
const ALL: Readonly<Record<Info, Readable>> = { content: 'yes', contacts: 'yes', use: 'yes' };

type End = 'a' | 'b';

/** Leaves out what is unknown, so that a missing attribute means unknown. */
function known(
  attributes: Readonly<Record<string, string | undefined>>,
): Readonly<Partial<Record<Condition, string>>> {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

/** The attack surface of one use of a service (4.2, steps 1 and 2). An unknown fact shows most. */
export function componentsOf(facts: Facts): readonly Component[] {
  switch (facts.sources.question.purpose) {
    case 'store':
      return storing(facts);
    case 'send':
      return sending(facts);
    case 'resolve':
      return resolving(facts);
    case 'run':
      return running(facts);
    case 'keep-key':
      return keeping(facts);
  }
}

function app(facts: Facts, id: string, end: End, readable: Component['readable']): Component {
  const open = facts.word('app-open');
  const ids = facts.use.ends[end];
  return {
    id,
    kind: 'app',
    // Whose law binds the maker matters only where the maker could change it unseen.
    countries: open === 'yes' ? [] : facts.list('app-maker'),
    attributes: known({
      source: open === undefined ? undefined : open === 'yes' ? 'open' : 'closed',
      reproducible: open === 'no' ? 'no' : facts.word('app-reproducible'),
      updated: appUpdated(facts, end),
    }),
    readable,
    operated: false,
    shareKey: `app ${facts.family} ${ids.join(' ')}`,
    service: facts.ref,
  };
}

/** `no` when it is out of date on one of the devices, unknown when nobody knows of one. */
function appUpdated(facts: Facts, end: End): string | undefined {
  const said = facts.use.apps[end];
  if (said !== undefined) return facts.personal(`${facts.ref}:app-${end}-updated`, said);
  const values = new Set(
    facts.use.ends[end].map((id) =>
      facts.personal(`${id}:apps-updated`, facts.device(id).appsUpdated),
    ),
  );
  if (values.has('no')) return 'no';
  return values.has(undefined) ? undefined : 'yes';
}

function devices(facts: Facts, end: End, readable: Component['readable']): readonly Component[] {
  return facts.use.ends[end].map((id) => {
    const device = facts.device(id);
    return {
      id,
      kind: 'device',
      countries: homeOf(facts, [device]),
      attributes: known({
        updated: facts.personal(`${id}:updated`, device.updated),
        'from-maker': facts.personal(`${id}:from-maker`, device.fromMaker),
      }),
      readable,
      operated: false,
      shareKey: `device ${id}`,
      device: id,
    };
  });
}

/** The countries where the owners of the devices live; unknown when one is. */
function homeOf(facts: Facts, of: readonly Device[]): readonly string[] | undefined {
  const homes = of.map((device) => facts.residence(facts.owner(device)));
  const named = homes.filter((home) => home !== undefined);
  return named.length === homes.length ? sortedSet(named) : undefined;
}

/** The countries of the one or the other place. */
function eitherOf(
  one: readonly string[] | undefined,
  other: readonly string[] | undefined,
): readonly string[] | undefined {
  return one === undefined || other === undefined ? undefined : sortedSet([...one, ...other]);
}

function link(
  facts: Facts,
  id: string,
  end: End,
  kind: 'link' | 'later-connection',
  readable: Component['readable'],
): Component {
  const ids = facts.use.ends[end];
  return {
    id,
    kind,
    countries: homeOf(
      facts,
      ids.map((each) => facts.device(each)),
    ),
    attributes: {},
    readable,
    operated: false,
    shareKey: `${kind} ${ids.join(' ')}`,
    service: facts.ref,
  };
}

/** Whatever is readable, as it passes only where no copy stays. */
function passing(readable: Component['readable'], transient: boolean): Component['readable'] {
  if (!transient) return readable;
  const pass = (each: Readable): Readable => (each === 'yes' ? 'transient' : each);
  return {
    content: pass(readable.content),
    contacts: pass(readable.contacts),
    use: pass(readable.use),
  };
}

function sending(facts: Facts): readonly Component[] {
  const transient = facts.word('transient') === 'yes';
  const sealed = facts.word('e2ee') === 'yes';
  const wireClear = facts.word('link-encrypted') !== 'yes';
  const ends: readonly End[] = ['a', 'b'];
  const everything = passing(ALL, transient);
  const onTheWire = passing(
    {
      content: !sealed && wireClear ? 'yes' : 'no',
      contacts: wireClear ? 'yes' : 'no',
      use: facts.word('conspicuous') === 'no' ? 'no' : 'yes',
    },
    transient,
  );
  const server: Component = {
    id: 'server',
    kind: 'server',
    countries: facts.list('jurisdiction'),
    attributes: { 'held-by': 'operator' },
    readable: passing(
      {
        content: sealed ? 'no' : 'yes',
        contacts: facts.word('keeps-contacts') === 'no' ? 'transient' : 'yes',
        use: 'yes',
      },
      transient,
    ),
    operated: true,
    shareKey: `server ${facts.family}`,
    service: facts.ref,
  };
  return [
    // What is part of the device is counted there.
    ...(facts.word('own-app', 'yes') === 'no'
      ? []
      : ends.map((end) => app(facts, `app-${end}`, end, everything))),
    ...ends.flatMap((end) => devices(facts, end, everything)),
    ...ends.map((end) => link(facts, `link-${end}`, end, 'link', onTheWire)),
    server,
    ...(facts.word('cloud-copy') === 'none' ? [] : ends.map((end) => cloudCopy(facts, end))),
  ];
}

/** What the backup of a device takes along to its cloud. */
function cloudCopy(facts: Facts, end: End): Component {
  const ids = facts.use.ends[end];
  const readable = facts.word('cloud-copy') !== 'sealed' && backedUp(facts, end);
  return {
    id: `copy-${end}`,
    kind: 'copy',
    countries: readable ? facts.list('cloud-copy-jurisdiction') : [],
    attributes: { 'held-by': 'operator' },
    readable: readable ? ALL : NOTHING,
    operated: true,
    shareKey: `copy ${ids.join(' ')}`,
    service: facts.ref,
  };
}

/** Whether a cloud may hold a readable copy from one of the devices at an end. */
function backedUp(facts: Facts, end: End): boolean {
  const leaks = (value: string | undefined): boolean => value !== 'off' && value !== 'sealed';
  const said = facts.use.backups[end];
  if (said !== undefined) {
    return leaks(facts.personal(`${facts.ref}:backup-${end}`, said));
  }
  const values = facts.use.ends[end].map((id) =>
    facts.personal(`${id}:cloud-backup`, facts.device(id).cloudBackup),
  );
  return values.some(leaks);
}

function storing(facts: Facts): readonly Component[] {
  const sealed = facts.word('e2ee') === 'yes';
  const heldBy = facts.word('held-by');
  const wireClear = !sealed && facts.word('link-encrypted') !== 'yes';
  // A disk of one's own is bound by the law of where one lives.
  const home = (): readonly string[] | undefined =>
    homeOf(
      facts,
      facts.use.ends.a.map((id) => facts.device(id)),
    );
  const operator =
    heldBy === 'own'
      ? home()
      : heldBy === 'operator'
        ? facts.list('jurisdiction')
        : eitherOf(facts.list('jurisdiction'), home());
  const keys = facts.word('keys-held-by');
  const recovery = facts.word('recovery-by');
  const content = (readable: boolean): Component['readable'] =>
    readable ? { ...NOTHING, content: 'yes' } : NOTHING;
  return [
    ...(facts.word('own-app', 'yes') === 'no' ? [] : [app(facts, 'app', 'a', ALL)]),
    ...devices(facts, 'a', ALL),
    link(facts, 'link', 'a', 'link', {
      content: wireClear ? 'yes' : 'no',
      contacts: wireClear ? 'yes' : 'no',
      use: facts.word('conspicuous') === 'no' ? 'no' : 'yes',
    }),
    {
      id: 'store',
      kind: 'store',
      countries: operator,
      unsure: heldBy === undefined,
      attributes: known({ 'held-by': heldBy }),
      readable: { content: sealed ? 'no' : 'yes', contacts: 'yes', use: 'yes' },
      operated: heldBy !== 'own',
      shareKey: `store ${facts.family}`,
      service: facts.ref,
    },
    {
      // Keys of one's own are on the device, and counted there.
      id: 'key-holder',
      kind: 'key-holder',
      countries: keys === 'own' ? [] : operator,
      attributes: { 'held-by': 'operator' },
      readable: content(keys !== 'own'),
      operated: true,
      shareKey: `key-holder ${facts.family}`,
      service: facts.ref,
    },
    {
      id: 'recovery',
      kind: 'recovery',
      countries: recovery === 'own' || recovery === 'none' ? [] : operator,
      attributes: known({
        'held-by': recovery === 'operator' || recovery === 'own' ? recovery : undefined,
      }),
      readable: content(recovery !== 'none'),
      operated: recovery !== 'own',
      shareKey: `recovery ${facts.family}`,
      service: facts.ref,
    },
  ];
}

function resolving(facts: Facts): readonly Component[] {
  const wireClear = facts.word('link-encrypted') !== 'yes';
  const seen: Readable =
    facts.word('sees-you') === 'no' ? 'no' : facts.word('keeps-log') === 'no' ? 'transient' : 'yes';
  return [
    ...devices(facts, 'a', ALL),
    link(facts, 'link', 'a', 'link', {
      content: wireClear ? 'yes' : 'no',
      contacts: wireClear ? 'yes' : 'no',
      use: facts.word('conspicuous') === 'no' ? 'no' : 'yes',
    }),
    {
      id: 'resolver',
      kind: 'resolver',
      countries: seen === 'no' ? [] : facts.list('jurisdiction'),
      attributes: {},
      readable: { content: seen, contacts: seen, use: seen },
      operated: true,
      shareKey: `resolver ${facts.family}`,
      service: facts.ref,
    },
    link(facts, 'later-connection', 'a', 'later-connection', {
      ...NOTHING,
      contacts: facts.word('hides-destination') === 'yes' ? 'no' : 'yes',
    }),
  ];
}

function running(facts: Facts): readonly Component[] {
  const tee = facts.word('tee');
  const inClear: Component['readable'] = { ...NOTHING, content: tee === 'yes' ? 'no' : 'yes' };
  const inside: Component['readable'] = { ...NOTHING, content: 'yes' };
  const countries = tee === 'yes' ? [] : facts.list('jurisdiction');
  const open = tee === 'no' ? undefined : facts.word('runtime-open');
  const part = (
    id: string,
    kind: ComponentKind,
    attributes: Readonly<Record<string, string | undefined>>,
    readable: Component['readable'],
  ): Component => ({
    id,
    kind,
    countries: kind === 'host-software' ? countries : [],
    attributes: known(attributes),
    readable,
    operated: kind === 'host-software',
    shareKey: `${kind} ${facts.family}`,
    service: facts.ref,
  });
  return [
    part('host', 'host-software', {}, inClear),
    part('cpu', 'cpu', { tee, hole: tee === 'no' ? 'no' : facts.word('known-hole') }, inside),
    part('firmware', 'firmware', { tee }, inside),
    part(
      'runtime',
      'runtime',
      { tee, source: open === undefined ? undefined : open === 'yes' ? 'open' : 'closed' },
      inside,
    ),
    part('workload', 'workload', {}, inside),
  ];
}

function keeping(facts: Facts): readonly Component[] {
  const place = facts.word('place');
  const hosted = facts.word('hosted');
  // Only a place that stands elsewhere is under the law of its operator.
  const homes = facts.sources.question.parties.map((party) => facts.residence(party));
  const named = homes.filter((home) => home !== undefined);
  const home = named.length === homes.length ? sortedSet(named) : undefined;
  const operator = hosted === 'no' ? [] : facts.list('jurisdiction');
  const countries = hosted === 'yes' ? operator : hosted === 'no' ? home : eitherOf(home, operator);
  const tamper = place === 'hsm' || place === undefined ? facts.word('tamper-protected') : 'no';
  return ['create', 'use', 'store', 'transfer'].map((stage) => ({
    id: stage,
    kind: 'key',
    countries,
    unsure: hosted === undefined,
    attributes: known({ place, hosted, 'tamper-protected': tamper }),
    readable: { ...NOTHING, content: 'yes' },
    operated: hosted !== 'no',
    shareKey: `${stage} ${facts.family}`,
    service: facts.ref,
  }));
}

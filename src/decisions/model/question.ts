import type { Label } from '../gate.ts';

/** What the person wants to do (R90). */
export const PURPOSES = ['store', 'send', 'resolve', 'run', 'keep-key'] as const;
export type Purpose = (typeof PURPOSES)[number];

/**
 * What may come out. `content`: the thing itself (`m` in the design). `contacts`: who talks to whom,
 * where you go (`x`). `use`: that the tool is used at all (`u`).
 */
export const INFOS = ['content', 'contacts', 'use'] as const;
export type Info = (typeof INFOS)[number];

/** Who may want it. `legal` and `state` are asked of a country: `legal(US)`. */
export const ADVERSARY_KINDS = [
  'provider',
  'legal',
  'state',
  'criminal',
  'hacktivist',
  'competitor',
  'network',
  'host-admin',
  'physical',
  'supplier',
  'side-channel',
] as const;
export type AdversaryKind = (typeof ADVERSARY_KINDS)[number];

/** Which of the three the person would rather give up: choose two (R86). */
export const GIVE_UPS = ['security', 'ease', 'cost'] as const;
export type GiveUp = (typeof GIVE_UPS)[number];

export type Tri = 'yes' | 'no' | 'unknown';

/** A value of a fact: a word, a list of words (countries, operators), or a level 0 to 3. */
export type FactValue = string | readonly string[] | number;

/** One pair of information and adversary: judged, or left out with a reason (R91, R92). */
export interface Concern {
  readonly info: Info;
  /** An adversary: `criminal`, `legal` (of every country concerned) or `legal(US)`. */
  readonly from: string;
  /** The harm if they get it; absent when ignored. */
  readonly harm?: Label;
  readonly reason?: string;
  /** Why this pair is left out. */
  readonly ignored?: string;
}

/** A piece of the information that does `harm` on its own. */
export interface Part {
  readonly id: string;
  /** What people call it; the id when absent. So with parties, devices and options. */
  readonly name?: string;
  readonly harm: Label;
}

export interface Party {
  readonly id: string;
  readonly name?: string;
  /** Countries (ISO 3166 two letters). */
  readonly citizenships: readonly string[] | 'unknown';
  readonly residence: string;
}

export interface Device {
  readonly id: string;
  readonly name?: string;
  /** Id of a party. */
  readonly owner: string;
  readonly updated: Tri;
  /** Whether the applications on it are up to date. */
  readonly appsUpdated: Tri;
  /** Whether it came new from its maker or the maker's shop. */
  readonly fromMaker: Tri;
  /** Whether what applications hold is copied to a cloud: `sealed` = end-to-end encrypted. */
  readonly cloudBackup: 'on' | 'off' | 'sealed' | 'unknown';
}

/** The devices at each end; only `a` unless something is sent. */
export interface Ends {
  readonly a: readonly string[];
  readonly b: readonly string[];
}

/** One service or host with its settings. */
export interface Use {
  /** Id in the catalogue; absent for something described by `facts` alone. */
  readonly service?: string;
  /** Facts that the catalogue does not know. */
  readonly facts: Readonly<Record<string, FactValue>>;
  /** Whether the person has it already, so that being closed to new users does not matter. */
  readonly have: boolean;
  readonly ends: Ends;
  /** Overrides of `appsUpdated` and `cloudBackup` for this service, by end. */
  readonly apps: { readonly a?: Tri; readonly b?: Tri };
  readonly backups: {
    readonly a?: Device['cloudBackup'];
    readonly b?: Device['cloudBackup'];
  };
  /** Whether an application at the other end is known to be older than the floor (F6). */
  readonly belowFloor: boolean;
  /** What one key would be used for; two are one too many (F3). */
  readonly keyPurposes: readonly string[];
}

/** Something the person could do: use one service, or send each part through one of its own. */
export type Option =
  | { readonly id: string; readonly name?: string; readonly use: Use }
  | {
      readonly id: string;
      readonly name?: string;
      readonly split: readonly { readonly part: string; readonly use: Use }[];
    };

/** A law or contract that must be met: a floor (R45). */
export interface Obligation {
  readonly id: string;
  readonly text: string;
  /** Each fact must have one of these values; for lists every member must be among them. */
  readonly requires: readonly { readonly fact: string; readonly oneOf: readonly string[] }[];
}

/** A live decision that refuses a class of hosts or services (F4). */
export interface RefusedClass {
  /** Id of the record. */
  readonly decision: string;
  /** All of these facts together. */
  readonly when: Readonly<Record<string, string>>;
}

/**
 * A question with every default filled in and every list in its one order, so that equal questions
 * have equal bytes. Made by `readQuestion`; its canonical JSON is what a record hashes.
 */
export interface Question {
  readonly version: 1;
  /** In the person's own words. */
  readonly aim: string;
  readonly purpose: Purpose;
  /** `whole-device`: everything on a device, which is never H0. */
  readonly subject: 'whole-device' | 'selection';
  readonly giveUp: GiveUp;
  readonly protect: readonly Concern[];
  readonly parts: readonly Part[];
  readonly parties: readonly Party[];
  readonly devices: readonly Device[];
  readonly options: readonly Option[];
  readonly obligations: readonly Obligation[];
  readonly refused: readonly RefusedClass[];
}

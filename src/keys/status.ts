/** What `strongroom status` tells of the key process. */
export interface KeysStatus {
  readonly state: 'operational' | 'locked' | 'failed' | 'unprovisioned';
  /** Why no key is used, when a self-test or the store refused. */
  readonly failure: string | null;
  readonly seals: readonly { readonly kind: string; readonly description: string }[];
  readonly label: string | null;
  readonly objects: number;
  /** Changes that the store ever took: a lower number than before means an older folder was put back. */
  readonly generation: number | null;
  readonly served: number;
  readonly refused: number;
  readonly pid: number;
  readonly startedAt: string;
  readonly selfTests: { readonly count: number; readonly milliseconds: number } | null;
  readonly permissions: Readonly<Record<string, boolean>>;
  /** The version of Landlock by which the kernel confines the key process; 0 where it has none. */
  readonly landlock: number;
  readonly secureHeap: { readonly total: number; readonly used: number };
  /** The PINs of PKCS#11 programs; `null` while the strongroom is not open. */
  readonly pins: {
    readonly user: PinState;
    readonly securityOfficer: PinState;
    readonly triesBeforeLock: number;
  } | null;
  readonly physicalProtection: 'none';
  readonly certification: 'none';
}

/** Whether a PIN is set and how often it was given wrong in a row. */
export interface PinState {
  readonly set: boolean;
  readonly failures: number;
  readonly locked: boolean;
}

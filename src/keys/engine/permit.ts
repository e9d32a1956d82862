import type { Caller } from './request.ts';

/** What the gate is asked before a key is made, used or exported. */
export interface PermitRequest {
  readonly action: 'key:create' | 'key:use' | 'key:export';
  readonly caller: Caller;
  readonly key: {
    readonly id: string;
    readonly name: string;
    readonly purpose: string;
    /** Rises with every change of the object: an answer about an older one is void. */
    readonly version: number;
  };
  /** `sign`, `decrypt`, … or `generate`, `create`, `unwrap`. */
  readonly operation: string;
}

export type PermitAnswer =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly reason: string };

/** The gate, as the engine sees it: an error in it is a refusal. */
export type Permit = (request: PermitRequest) => PermitAnswer;

/** Asks the person about a key marked `confirm`; `false` when there is nobody to ask. */
export type Confirm = (question: {
  readonly name: string;
  readonly operation: string;
  readonly caller: Caller;
}) => Promise<boolean>;

/** One request served or refused, for the record. Holds no data and no key. */
export interface KeysEvent {
  readonly verb: string;
  readonly object: string;
  readonly caller: Caller;
  /** The code of the error, or `undefined` when it was granted. */
  readonly refused: string | undefined;
}

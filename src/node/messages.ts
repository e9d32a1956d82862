/** What the key process tells its supervisor. */
export type ToSupervisor =
  | { readonly type: 'ready'; readonly state: string }
  | { readonly type: 'warning'; readonly text: string }
  | { readonly type: 'fatal'; readonly text: string }
  | {
      readonly type: 'confirm';
      readonly id: number;
      readonly pid: number;
      readonly question: string;
    }
  | { readonly type: 'confirm-over'; readonly id: number };

/** What the supervisor tells the key process. */
export interface FromSupervisor {
  readonly type: 'confirm-answer';
  readonly id: number;
  readonly allowed: boolean;
}

export function isToSupervisor(message: unknown): message is ToSupervisor {
  return typeof message === 'object' && message !== null && 'type' in message;
}

export function isFromSupervisor(message: unknown): message is FromSupervisor {
  return (
    typeof message === 'object' &&
    message !== null &&
    'type' in message &&
    message.type === 'confirm-answer' &&
    'id' in message &&
    typeof message.id === 'number' &&
    'allowed' in message &&
    typeof message.allowed === 'boolean'
  );
}

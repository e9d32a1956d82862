import { StrongroomError, reasonOf } from '../errors.ts';

/** What a part asks leave for before it does it. */
export type GateAction =
  | 'backup:put'
  | 'message:send'
  | 'message:split'
  | 'resolve:query'
  | 'keep:launch'
  | 'key:create'
  | 'key:use'
  | 'key:export';

/** H0 would not mind; H1 private; H2 would embarrass; H3 real loss; H4 life, liberty, everyone's keys. */
export type Label = 0 | 1 | 2 | 3 | 4;

/** One act that has not happened yet. */
export interface GateRequest {
  readonly action: GateAction;
  /** What it goes to or is done with: a service of the catalogue, a host, or a key. */
  readonly resource: { readonly kind: 'Service' | 'Host' | 'Key'; readonly id: string };
  /** The harm if the information came out. */
  readonly label: Label;
  /** What else a policy may look at: versions, a processor's vendor and generation, the operation. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
}

/** `record` names the decision that the answer rests on, where there is one. */
export type GateAnswer =
  | { readonly allowed: true; readonly record: string | undefined }
  | { readonly allowed: false; readonly record: string | undefined; readonly reason: string };

/** Whoever can answer: the key process over its socket, or the engine itself in a test. */
export type Gate = (request: GateRequest) => Promise<GateAnswer>;

/** A decision, or the lack of one, forbids it: exit code 3. */
export class DeniedError extends StrongroomError {
  readonly record: string | undefined;

  constructor(request: GateRequest, reason: string, record: string | undefined) {
    const { action, resource } = request;
    super('DENIED', `${action} to ${resource.id} is denied: ${reason}`, {
      duty: 'denied',
      mend: record === undefined ? 'strongroom decide ask' : `strongroom decide show ${record}`,
    });
    this.record = record;
  }
}

/**
 * Asks before an act that cannot be taken back. An error in the gate denies.
 * @returns the record that allows it, where there is one
 * @throws {DeniedError}
 */
export async function askGate(gate: Gate, request: GateRequest): Promise<string | undefined> {
  let answer: GateAnswer;
  try {
    answer = await gate(request);
  } catch (error) {
    throw new DeniedError(request, `the gate failed: ${reasonOf(error)}`, undefined);
  }
  if (!answer.allowed) throw new DeniedError(request, answer.reason, answer.record);
  return answer.record;
}

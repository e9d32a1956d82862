import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { equalBytes } from '../../../bytes/compare.ts';
import { Reader } from '../../../bytes/reader.ts';
import { concat } from '../../../bytes/text.ts';
import { Writer } from '../../../bytes/writer.ts';
import type { AttributeValue } from '../../engine/attribute.ts';
import { CKA, CKO } from '../../engine/pkcs11.ts';
import type { Caller, KeysService, ObjectId } from '../../engine/request.ts';
import { FrameSplitter } from '../client/frame.ts';
import { MAX_MESSAGE, MESSAGE, message, sshString } from './frame.ts';
import { sshKeyOf } from './public-key.ts';
import type { SshKey } from './public-key.ts';

export interface AgentFrontOptions {
  readonly service: KeysService;
  readonly identify: (socket: Socket) => { readonly uid: number; readonly pid: number } | undefined;
  /** The user whose programs may connect. */
  readonly uid: number;
}

const FAILURE: Uint8Array = message(MESSAGE.FAILURE);
/** Requests that may wait on one connection; a client that sends more without reading loses it. */
const MAX_WAITING = 64;

interface Identity {
  readonly object: ObjectId;
  readonly comment: Uint8Array;
  readonly key: SshKey;
}

/** Keys made for signing that SSH has a name for. */
async function identities(service: KeysService, caller: Caller): Promise<Identity[]> {
  const template = new Map<number, AttributeValue>([
    [CKA.CLASS, CKO.PRIVATE_KEY],
    [CKA.SIGN, true],
  ]);
  const found: Identity[] = [];
  for (const object of await service.handle({ verb: 'find', template }, caller)) {
    const readings = await service.handle({ verb: 'attributes', object, types: [] }, caller);
    const attributes = new Map(
      readings.flatMap((each) => ('value' in each ? [[each.type, each.value] as const] : [])),
    );
    const key = sshKeyOf(attributes);
    const label = attributes.get(CKA.LABEL);
    if (key === undefined) continue;
    found.push({ object, key, comment: label instanceof Uint8Array ? label : new Uint8Array() });
  }
  return found;
}

async function answer(
  request: Uint8Array,
  service: KeysService,
  caller: Caller,
): Promise<Uint8Array> {
  const reader = new Reader(request);
  switch (reader.u8()) {
    case MESSAGE.REQUEST_IDENTITIES: {
      const all = await identities(service, caller);
      const parts = all.map(({ key, comment }) => concat(sshString(key.blob), sshString(comment)));
      const count = new Writer(4).u32(all.length).finish();
      return message(MESSAGE.IDENTITIES_ANSWER, count, ...parts);
    }
    case MESSAGE.SIGN_REQUEST: {
      const blob = reader.bytes32(MAX_MESSAGE);
      const data = reader.bytes32(MAX_MESSAGE);
      const flags = reader.u32();
      reader.end();
      const wanted = (await identities(service, caller)).find(({ key }) =>
        equalBytes(key.blob, blob),
      );
      const mechanism = wanted?.key.mechanism(flags);
      if (wanted === undefined || mechanism === undefined) return FAILURE;
      const signing = service.begin({ verb: 'sign', key: wanted.object, mechanism }, caller);
      const signed = await (signing.elsewhere?.(data) ?? signing.whole(data));
      return message(MESSAGE.SIGN_RESPONSE, sshString(wanted.key.signature(signed, flags)));
    }
    default:
      return FAILURE;
  }
}

/**
 * Serves one connection of the ssh-agent protocol (draft-ietf-sshm-ssh-agent): listing and signing.
 * Requests are answered in order; what cannot be done is answered by FAILURE, as the protocol says;
 * a peer that sends rubbish loses its connection.
 */
export function serveAgent(socket: Socket, options: AgentFrontOptions): void {
  const peer = options.identify(socket);
  if (peer === undefined || (peer.uid !== options.uid && peer.uid !== 0)) {
    socket.destroy();
    return;
  }
  const scope = `ssh-agent-${randomUUID()}`;
  const caller: Caller = { front: 'ssh-agent', uid: peer.uid, pid: peer.pid, role: 'user', scope };
  const splitter = new FrameSplitter(MAX_MESSAGE);
  let waiting = 0;
  let queue = Promise.resolve();
  const serve = async (request: Uint8Array): Promise<void> => {
    const reply = await answer(request, options.service, caller).catch(() => FAILURE);
    waiting--;
    if (socket.writable) socket.write(reply);
  };
  socket.on('data', (chunk: Uint8Array) => {
    try {
      for (const request of splitter.push(chunk)) {
        waiting++;
        if (waiting > MAX_WAITING) throw new RangeError('too many requests');
        queue = queue.then(() => serve(request));
      }
    } catch {
      socket.destroy();
    }
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => options.service.endScope(scope));
}

import { homeFolder } from '../../node/home.ts';
import { layoutOf } from '../../node/layout.ts';
import type { Command } from '../command.ts';
import { quoted } from '../quoted.ts';
import { withKeys } from '../strongroom.ts';

/** `strongroom ssh-agent env`: the line to `eval`. */
export const sshAgentEnv: Command = {
  summary: 'print the line that points ssh at the keys inside',
  usage: '',
  help: 'Keys made for signing are offered: Ed25519, ECDSA on the NIST curves, RSA with SHA-2.',
  example: 'eval "$(strongroom ssh-agent env)" && ssh-add -L',
  options: {},
  positionals: [0, 0],
  run(_call, output) {
    const { agentSocket } = layoutOf(homeFolder());
    output.result(`SSH_AUTH_SOCK=${quoted(agentSocket)}; export SSH_AUTH_SOCK`, {
      SSH_AUTH_SOCK: agentSocket,
    });
    return 0;
  },
};

/** `strongroom ssh-agent offer`: undoes what `ssh-add -d` did to keys that it had not added. */
export const sshAgentOffer: Command = {
  summary: 'offer ssh every key again, also those that ssh-add -d and -D took off its list',
  usage: '',
  help: [
    'ssh-add -d and -D destroy keys that ssh-add brought in. Keys that were made here they only take',
    'off the list, until this command, a restart, or `strongroom unlock`.',
  ].join('\n'),
  example: 'strongroom ssh-agent offer',
  options: {},
  positionals: [0, 0],
  async run(_call, output) {
    await withKeys((client) => client.call('agent-offer'));
    output.result('every key for ssh is offered', { offered: true });
    return 0;
  },
};

import { homeFolder } from '../../node/home.ts';
import { layoutOf } from '../../node/layout.ts';
import type { Command } from '../command.ts';

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
    const quoted = `'${agentSocket.replaceAll("'", `'\\''`)}'`;
    output.result(`SSH_AUTH_SOCK=${quoted}; export SSH_AUTH_SOCK`, { SSH_AUTH_SOCK: agentSocket });
    return 0;
  },
};

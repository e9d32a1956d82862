/** Keys as SSH writes them, for programs that read and print them; ssh itself uses the agent. */
export { readSshPrivateKey } from './fronts/ssh-agent/private-key.ts';
export type { SshPrivateKey } from './fronts/ssh-agent/private-key.ts';
export { sshPublicKeyLine } from './fronts/ssh-agent/public-key.ts';

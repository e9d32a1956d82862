import { existsSync } from 'node:fs';
import { StrongroomError } from '../../errors.ts';
import { homeFolder } from '../../node/home.ts';
import { layoutOf } from '../../node/layout.ts';
import type { Command } from '../command.ts';
import { quoted } from '../quoted.ts';

/** Where systems put the module of p11-kit that speaks to a socket. */
const MODULES = [
  '/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so',
  '/usr/lib/aarch64-linux-gnu/pkcs11/p11-kit-client.so',
  '/usr/lib64/pkcs11/p11-kit-client.so',
  '/usr/lib/pkcs11/p11-kit-client.so',
  '/usr/local/lib/pkcs11/p11-kit-client.so',
] as const;

/** A path inside `unix:path=`, whose special characters p11-kit wants percent-encoded. */
function addressOf(path: string): string {
  return `unix:path=${path.split('/').map(encodeURIComponent).join('/')}`;
}

/** `strongroom pkcs11 env`: the lines to `eval`. */
export const pkcs11Env: Command = {
  summary: 'print the lines that point PKCS#11 programs at the keys inside',
  usage: '[--module FILE]',
  help: [
    '  --module FILE  the p11-kit-client.so to use, where it is not found by itself',
    '',
    'P11_KIT_SERVER_ADDRESS tells the module where the keys are, STRONGROOM_PKCS11_MODULE is the',
    'module to give to pkcs11-tool and its like, PKCS11_MODULE_PATH gives it to the pkcs11 engine of',
    'OpenSSL.',
  ].join('\n'),
  example: 'eval "$(strongroom pkcs11 env)" && pkcs11-tool --module "$STRONGROOM_PKCS11_MODULE" -L',
  options: { module: { type: 'string' } },
  values: { module: 'file' },
  positionals: [0, 0],
  run(call, output) {
    const module = call.text('module') ?? MODULES.find((path) => existsSync(path));
    if (module === undefined) {
      throw new StrongroomError('MODULE_MISSING', 'p11-kit-client.so is not on this machine', {
        mend: 'install p11-kit (Debian: p11-kit-modules), or name it with --module',
      });
    }
    const address = addressOf(layoutOf(homeFolder()).pkcs11Socket);
    output.result(
      [
        `P11_KIT_SERVER_ADDRESS=${quoted(address)}; export P11_KIT_SERVER_ADDRESS`,
        `STRONGROOM_PKCS11_MODULE=${quoted(module)}; PKCS11_MODULE_PATH=$STRONGROOM_PKCS11_MODULE; export STRONGROOM_PKCS11_MODULE PKCS11_MODULE_PATH`,
      ].join('\n'),
      {
        P11_KIT_SERVER_ADDRESS: address,
        STRONGROOM_PKCS11_MODULE: module,
        PKCS11_MODULE_PATH: module,
      },
    );
    return 0;
  },
};

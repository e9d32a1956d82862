import { lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { StrongroomError } from '../errors.ts';

/** Where everything is under the home folder. */
export interface Layout {
  readonly home: string;
  /** The store, its anchor and the seals: the key process alone reads and writes here. */
  readonly keys: string;
  readonly keysSocket: string;
  readonly agentSocket: string;
  readonly pkcs11Socket: string;
}

/** The longest path that a UNIX socket may have (sun_path in unix(7), with its end mark). */
const MAX_SOCKET_PATH = 107;

export function layoutOf(home: string): Layout {
  return {
    home,
    keys: join(home, 'keys'),
    keysSocket: join(home, 'keys.sock'),
    agentSocket: join(home, 'ssh-agent.sock'),
    pkcs11Socket: join(home, 'pkcs11.sock'),
  };
}

export function socketsOf(layout: Layout): readonly string[] {
  return [layout.keysSocket, layout.agentSocket, layout.pkcs11Socket];
}

/**
 * Makes the folders, readable by their owner alone, and refuses what another user could have put
 * there.
 * @throws {StrongroomError} HOME_UNSAFE when a folder or a file of the key process is a link, belongs
 *   to somebody else or is open to others: the permission model follows links out of its folder
 */
export function prepareHome(layout: Layout): void {
  if (Buffer.byteLength(layout.agentSocket) > MAX_SOCKET_PATH) {
    throw new StrongroomError(
      'HOME_TOO_LONG',
      'the path of the home folder is too long for a socket',
      {
        mend: 'set STRONGROOM_HOME to a shorter path',
      },
    );
  }
  for (const folder of [layout.home, layout.keys]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const stat = lstatSync(folder);
    if (!stat.isDirectory() || stat.uid !== process.getuid?.()) {
      throw new StrongroomError('HOME_UNSAFE', 'the home folder is not a folder of this user', {
        mend: 'set STRONGROOM_HOME to a folder that belongs to you',
      });
    }
    if ((stat.mode & 0o077) !== 0) {
      throw new StrongroomError('HOME_UNSAFE', `${folder} is open to other users`, {
        mend: `chmod 700 ${folder}`,
      });
    }
  }
  for (const entry of readdirSync(layout.keys, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const plain = entry.isFile() || entry.isDirectory();
    if (plain && lstatSync(path).uid === process.getuid?.()) continue;
    throw new StrongroomError('HOME_UNSAFE', `${path} is a link or belongs to another user`, {
      mend: 'move it away: the key process would follow it out of its folder',
    });
  }
}

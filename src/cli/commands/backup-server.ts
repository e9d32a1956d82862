import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import {
  isPathWord,
  openStorage,
  parseAccounts,
  randomPassword,
  secretOf,
  startBackupServer,
} from '../../backup/server/index.ts';
import type { AccountFile } from '../../backup/server/index.ts';
import { homeFolder } from '../../node/home.ts';
import type { Command, Invocation } from '../command.ts';
import { UsageError } from '../output.ts';
import type { Output } from '../output.ts';
import { secretFile } from '../strongroom.ts';

function accountsPath(call: Invocation): string {
  return call.text('accounts') ?? join(homeFolder(), 'backup-server', 'accounts.json');
}

function readAccounts(path: string): AccountFile {
  return existsSync(path) ? parseAccounts(readFileSync(path, 'utf8')) : {};
}

function writeAccounts(path: string, accounts: AccountFile): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, `${JSON.stringify(accounts, undefined, 1)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
};

/** `500G`, in units of 1024. @throws {UsageError} */
function sizeOf(text: string): number {
  const found = /^(\d{1,12})([KMGT]?)(?:i?B)?$/i.exec(text);
  const unit = UNITS[(found?.[2] ?? '').toUpperCase()];
  if (found === null || unit === undefined) {
    throw new UsageError(`\`${text}\` is no size`, 'for example 500G');
  }
  return Number(found[1]) * unit;
}

function listenAt(text: string): { host: string; port: number } {
  const found = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(found?.[3]);
  if (found === null || port > 65_535) {
    throw new UsageError(`\`${text}\` is no address to listen on`, 'for example 127.0.0.1:8000');
  }
  return { host: found[1] ?? found[2] ?? '', port };
}

/** Runs until it is told to end. */
function ended(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

export const backupServe: Command = {
  summary: 'keep backups of others, who encrypt them before they come',
  usage: '[--storage LOCATION] [--listen ADDRESS:PORT] [--tls-cert FILE --tls-key FILE]',
  help: [
    "  It speaks restic's REST protocol: stock restic and rclone use it as they are.",
    '  --storage LOCATION  a folder, or s3:…; the folder backup-server/storage of the home when left out',
    '  --listen A:P        127.0.0.1:8000 when left out; other machines need TLS',
    '  --tls-cert FILE     certificate chain in PEM; read again when it changes',
    '  --tls-key FILE      its key in PEM',
    '  --accounts FILE     made by `strongroom backup account add`',
    '  --access-log FILE   a line of JSON a request: account, method, status, bytes; nothing else',
  ].join('\n'),
  example: 'strongroom backup serve --listen 127.0.0.1:8000',
  options: {
    storage: { type: 'string' },
    listen: { type: 'string' },
    'tls-cert': { type: 'string' },
    'tls-key': { type: 'string' },
    accounts: { type: 'string' },
    'access-log': { type: 'string' },
  },
  positionals: [0, 0],
  async run(call, output) {
    const accounts = accountsPath(call);
    if (!existsSync(accounts)) {
      throw new UsageError('there is no account yet', 'strongroom backup account add NAME');
    }
    const { host, port } = listenAt(call.text('listen') ?? '127.0.0.1:8000');
    const [cert, key] = [call.text('tls-cert'), call.text('tls-key')];
    if ((cert === undefined) !== (key === undefined)) {
      throw new UsageError('--tls-cert and --tls-key go together');
    }
    const log = call.text('access-log');
    const location = call.text('storage') ?? join(homeFolder(), 'backup-server', 'storage');
    const server = await startBackupServer({
      storage: openStorage(location, { environment: process.env }),
      accounts,
      host,
      port,
      ...(cert === undefined || key === undefined ? {} : { tls: { cert, key } }),
      ...(log === undefined
        ? {}
        : {
            onAccess: (access) => {
              appendFileSync(log, `${JSON.stringify(access)}\n`, { mode: 0o600 });
            },
          }),
      onWarning: (text) => output.note(`warning: ${text}`),
    });
    const url = server.origin.replace('//', '//NAME:PASSWORD@');
    output.result(
      [
        `the backup server listens on ${server.origin}`,
        `  strongroom backup init rest:${url}/NAME/`,
        `  restic -r rest:${url}/NAME/ init`,
      ].join('\n'),
      { listening: server.origin },
    );
    await ended();
    await server.close();
    return 0;
  },
};

async function add(call: Invocation, output: Output, path: string, name: string): Promise<number> {
  if (!isPathWord(name)) {
    throw new UsageError(
      `\`${name}\` cannot be the name of an account`,
      'letters, digits, `.`, `_` and `-`, and none of the words that repositories use',
    );
  }
  const accounts = readAccounts(path);
  if (Object.hasOwn(accounts, name) && !call.flag('replace')) {
    throw new UsageError(
      `there is an account \`${name}\` already`,
      '--replace gives it another password and settings',
    );
  }
  const file = call.text('password-file');
  const chosen = file === undefined ? undefined : Buffer.from(secretFile(file)).toString('utf8');
  if (chosen !== undefined && chosen.length < 12) {
    throw new UsageError('the password has fewer than 12 characters', 'leave --password-file out');
  }
  const made = randomPassword();
  const quota = call.text('quota');
  const folders = call.texts('folder');
  for (const folder of folders) {
    if (!isPathWord(folder)) throw new UsageError(`\`${folder}\` cannot be a folder`);
  }
  writeAccounts(path, {
    ...accounts,
    [name]: {
      secret: chosen === undefined ? made.secret : await secretOf(chosen),
      ...(call.flag('append-only') ? { appendOnly: true } : {}),
      ...(call.flag('write-only') ? { writeOnly: true } : {}),
      ...(quota === undefined ? {} : { quota: sizeOf(quota) }),
      ...(folders.length === 0 ? {} : { folders }),
    },
  });
  const password = chosen === undefined ? made.password : undefined;
  output.result(
    password === undefined
      ? `the account ${name} was made`
      : `the account ${name} was made; this password is shown once:\n  ${password}`,
    { name, password },
  );
  return 0;
}

export const backupAccount: Command = {
  summary: 'say who may keep backups on this server',
  usage:
    'add NAME | list | remove NAME [--append-only] [--write-only] [--quota SIZE] [--folder NAME]',
  help: [
    '  --append-only         may add and never delete: ransomware on the client erases nothing here',
    '  --write-only          may not read packs either: a thief of the client reads nothing here',
    '  --quota SIZE          500G; what its folders may hold in all',
    '  --folder NAME         a folder at the top of the storage; may be repeated; its name when left out',
    '  --password-file FILE  a password of at least 12 characters; a random one is made when left out',
    '  --replace             gives an account that exists another password and settings',
    '  --accounts FILE       another file than backup-server/accounts.json of the home',
  ].join('\n'),
  example: 'strongroom backup account add laptop --append-only --quota 500G',
  options: {
    'append-only': { type: 'boolean' },
    'write-only': { type: 'boolean' },
    quota: { type: 'string' },
    folder: { type: 'string', multiple: true },
    'password-file': { type: 'string' },
    replace: { type: 'boolean' },
    accounts: { type: 'string' },
  },
  positionals: [1, 2],
  async run(call, output) {
    const [action, name] = call.positionals;
    const path = accountsPath(call);
    if (action === 'add' && name !== undefined) return await add(call, output, path, name);
    const accounts = readAccounts(path);
    if (action === 'list' && name === undefined) {
      const rows = Object.entries(accounts).map(
        ([each, { appendOnly, writeOnly, quota, folders }]) => ({
          name: each,
          appendOnly,
          writeOnly,
          quota,
          folders,
        }),
      );
      const line = (row: (typeof rows)[number]): string =>
        [
          row.name.padEnd(20),
          row.writeOnly === true ? 'write-only' : row.appendOnly === true ? 'append-only' : 'full',
          ...(row.quota === undefined ? [] : [`${row.quota} bytes at the most`]),
          ...(row.folders === undefined ? [] : [`folders ${row.folders.join(', ')}`]),
        ].join('  ');
      output.result(rows.map((row) => line(row)).join('\n'), rows);
      return 0;
    }
    if (action === 'remove' && name !== undefined) {
      if (!Object.hasOwn(accounts, name)) throw new UsageError(`there is no account \`${name}\``);
      writeAccounts(
        path,
        Object.fromEntries(Object.entries(accounts).filter(([each]) => each !== name)),
      );
      output.result(`the account ${name} was removed; what it kept stays`, { removed: name });
      return 0;
    }
    throw new UsageError('backup account takes add NAME, list or remove NAME');
  },
};

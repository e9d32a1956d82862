// Runs as the key process does, after its whole start, and tries to get out: every attempt by name,
// and what came of it. Started by test/node/key-process.test.ts with the flags of the real one.
import '../../src/node/key-process.ts';
import * as children from 'node:child_process';
import * as crypto from 'node:crypto';
import * as datagrams from 'node:dgram';
import * as names from 'node:dns';
import * as ffi from 'node:ffi';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as inspector from 'node:inspector';
import * as modules from 'node:module';
import * as net from 'node:net';
import * as os from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, backup } from 'node:sqlite';
import * as tls from 'node:tls';
import * as v8 from 'node:v8';
import * as vm from 'node:vm';
import { WASI } from 'node:wasi';
import * as workers from 'node:worker_threads';

const home = process.argv[2] ?? '';
const keys = join(home, 'keys');
/** A file of the same user beside the home: readable to anybody but the key process. */
const outside = join(home, '..', 'outside');
const source = import.meta.filename;

type Attempt = () => unknown;

/** Waits for the first of two events of an emitter: an outcome, or the error that it is. */
function settled(emitter: NodeJS.EventEmitter, good: string): Promise<void> {
  return new Promise((resolve, reject) => {
    emitter.once(good, () => resolve());
    emitter.once('error', reject);
  });
}

const attempts: Readonly<Record<string, Attempt>> = {
  // Files
  'read a file outside': () => fs.readFileSync(outside),
  'read a file outside by promise': () => fs.promises.readFile(outside),
  'read a file outside by stream': () => settled(fs.createReadStream(outside), 'data'),
  'read a file outside by descriptor': () => fs.openSync(outside, 'r'),
  'read a file outside by a path with dots': () =>
    fs.readFileSync(join(keys, '..', '..', 'outside')),
  'read a file outside by bytes': () => fs.readFileSync(Buffer.from(outside)),
  'read a file outside by URL': () => fs.readFileSync(new URL(`file://${outside}`)),
  'read a file outside as a blob': async () => (await fs.openAsBlob(outside)).text(),
  'read /etc/passwd': () => fs.readFileSync('/etc/passwd'),
  'read its own memory': () => fs.openSync('/proc/self/mem', 'r'),
  'read its own sources': () => fs.readFileSync(source),
  'list a folder outside': () => fs.readdirSync('/'),
  'write a file outside': () => fs.writeFileSync(outside, 'x'),
  'write into the home beside its folder': () => fs.writeFileSync(join(home, 'x'), 'x'),
  'write into its own sources': () => fs.appendFileSync(source, '\n'),
  'copy a file in': () => fs.copyFileSync(outside, join(keys, 'copied')),
  'copy a file out': () => fs.copyFileSync(join(keys, 'seal.json'), `${outside}-copy`),
  'link a file in': () => fs.linkSync(outside, join(keys, 'linked')),
  'link a file in by a name': () => fs.symlinkSync(outside, join(keys, 'symlinked')),
  'move a file out': () => fs.renameSync(join(keys, 'seal.json'), `${outside}-moved`),
  'watch a file outside': () => fs.watch(outside).close(),
  'change the mode of a file outside': () => fs.chmodSync(outside, 0o777),
  'ask for the size of a file outside': () => fs.statSync(outside),
  'change its working folder': () => process.chdir('/'),
  'load an environment file': () => process.loadEnvFile(outside),
  'write a diagnostic report outside': () => process.report.writeReport(`${outside}-report`),
  'write a heap snapshot outside': () => v8.writeHeapSnapshot(`${outside}-snapshot`),
  'follow a link that was there': () => fs.readFileSync(join(keys, 'planted')),

  // Processes and code
  'start a process': () => children.execFileSync('/bin/true'),
  'start a shell': () => children.execSync('true'),
  'start a Node process': () => children.fork(source),
  'start a process and not wait': () => settled(children.spawn('/bin/true'), 'spawn'),
  'become another program': () => process.execve?.('/bin/true', ['true'], {}),
  'start a worker': () => new workers.Worker('0', { eval: true }),
  'start a worker with other flags': () =>
    new workers.Worker('0', { eval: true, execArgv: ['--allow-fs-read=*'] }),
  'load an addon': () => process.dlopen({ exports: {} }, '/lib/x86_64-linux-gnu/libc.so.6'),
  'bind a native function': () =>
    ffi.dlopen('libc.so.6', { getpid: { arguments: [], return: 'i32' } }),
  'read memory by a pointer': () => ffi.toBuffer(1n, 8, false),
  'open the inspector': () => inspector.open(0, '127.0.0.1'),
  'make a WASI': () => new WASI({ version: 'preview1', preopens: { '/': '/' } }),
  'load an engine into OpenSSL': () => crypto.setEngine('/tmp/engine.so'),
  'read a key by OpenSSL': () =>
    crypto.createPrivateKey({ key: new URL(`file://${outside}`) } as never),
  'make code of a string': () => Reflect.construct(Function, ['return 1']),
  'make code of a string by vm': () => vm.runInThisContext('1'),
  'import a module from outside': () => import(`file://${outside}.mjs`),
  'require a module from outside': () => modules.createRequire(`${outside}.cjs`)(`${outside}.cjs`),
  'import a module from a string': () =>
    import(`data:text/javascript,${encodeURIComponent('export default 1')}`),
  'reach internal bindings': () => Reflect.get(process, 'binding').call(process, 'spawn_sync'),
  'change the prototype of everything': () => {
    Reflect.get({}, '__proto__');
  },
  'take its permissions back': () => Reflect.get(process.permission ?? {}, 'grant').call(undefined),

  // Network
  'connect by TCP': () => settled(net.connect(9, '127.0.0.1'), 'connect'),
  'connect to a socket of this machine': () => settled(net.connect(`${outside}.sock`), 'connect'),
  'connect to its own socket': () => settled(net.connect(join(home, 'keys.sock')), 'connect'),
  'listen by TCP': () => settled(net.createServer().listen(0, '127.0.0.1'), 'listening'),
  'listen on another socket': () =>
    settled(net.createServer().listen(join(keys, 'x.sock')), 'listening'),
  'send a datagram': () =>
    new Promise((resolve, reject) => {
      const socket = datagrams.createSocket('udp4');
      socket.on('error', reject);
      socket.send('x', 9, '127.0.0.1', (error) => (error === null ? resolve(1) : reject(error)));
    }),
  'ask for a name': () => names.promises.lookup('localhost'),
  'ask a name server': () => names.promises.resolve4('localhost'),
  'ask by HTTP': () => settled(http.get('http://127.0.0.1:9/'), 'response'),
  'ask by HTTP/2': () => settled(http2.connect('http://127.0.0.1:9'), 'connect'),
  'ask by fetch': () => fetch('http://127.0.0.1:9/'),
  'ask by TLS': () => settled(tls.connect(9, '127.0.0.1'), 'secureConnect'),

  // SQLite
  'open a database outside': () => {
    const database = new DatabaseSync(`${outside}.db`);
    database.exec('CREATE TABLE IF NOT EXISTS t (a)');
    database.close();
  },
  'attach a database outside': () => {
    const database = new DatabaseSync(':memory:');
    try {
      database.exec(`ATTACH '${outside}.db' AS o; SELECT * FROM o.sqlite_schema`);
    } finally {
      database.close();
    }
  },
  'copy a database outside': async () => {
    const database = new DatabaseSync(':memory:');
    await backup(database, `${outside}-backup.db`);
    database.close();
  },
  'load an extension into SQLite': () => {
    const database = new DatabaseSync(':memory:', { allowExtension: true });
    database.loadExtension('/tmp/extension.so');
  },

  // What it must still be able to do
  'write into its own folder': () => {
    fs.writeFileSync(join(keys, 'probe'), 'x');
    fs.rmSync(join(keys, 'probe'));
  },
  'read in its own folder': () => fs.readFileSync(join(keys, 'seal.json')),
  'signal a process of the same user': () => process.kill(process.ppid, 0),
  'tell the name of the machine': () => os.hostname(),
};

function told(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  const { code } = error as { readonly code?: unknown };
  return `${typeof code === 'string' ? code : error.name}: ${error.message.slice(0, 120)}`;
}

/** An attempt that neither fails nor succeeds has come to nothing, which is told. */
function silence(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error('nothing happened')), 2000).unref();
  });
}

process.on('uncaughtException', (error) => process.send?.({ type: 'stray', text: told(error) }));
process.on('message', (message) => {
  if (message !== 'probe') return;
  void (async () => {
    const results: Record<string, string> = {};
    for (const [name, attempt] of Object.entries(attempts)) {
      try {
        await Promise.race([attempt(), silence()]);
        results[name] = 'done';
      } catch (error) {
        results[name] = told(error);
      }
    }
    process.send?.({ type: 'probed', results });
  })();
});

// The servers that a queue can lie in: where their programs are, how they are told what to do, and how they end.
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { appendFile, chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findFolder, hasSetpriv, isRoot, tiedToParent } from './programs.js';

export interface ServerPlace {
  /** For its data. */
  readonly folder: string;
  readonly address: string;
  readonly port: number;
}

export interface ServerSettings {
  /** Asked for of clients; default: they need none. */
  readonly password?: string | undefined;
  /** More of the server's own settings. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

export interface ServerKind {
  /** Why there can be none here; undefined if there can. */
  readonly problem: string | undefined;
  /** Part of what it writes once it takes connections. */
  readonly readyText: string;
  /** What ends it after its work, and at once, as a crash does. */
  readonly ends: { readonly orderly: NodeJS.Signals; readonly crash: NodeJS.Signals };
  /** Makes what it needs before its first start. */
  prepare(place: ServerPlace, settings: ServerSettings): Promise<void>;
  /** It ends with the process that runs this. */
  commandOf(place: ServerPlace, settings: ServerSettings): string[];
  /** Without the password. */
  urlOf(place: ServerPlace): string;
}

const redisFolder = findFolder(['redis-server']);

const redis: ServerKind = {
  problem: redisFolder === undefined ? 'there is no redis-server' : undefined,
  readyText: 'Ready to accept connections',
  ends: { orderly: 'SIGTERM', crash: 'SIGKILL' },
  prepare: () => Promise.resolve(),
  commandOf({ folder, address, port }, { password, settings }) {
    const all = {
      ...{ dir: folder, bind: address, port: String(port), save: '', 'protected-mode': 'no' },
      ...{ appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' },
      ...(password !== undefined && { requirepass: password }),
      ...settings,
    };
    const flags = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
    return [...tiedToParent('SIGKILL'), join(redisFolder!, 'redis-server'), ...flags];
  },
  urlOf: ({ address, port }) => `redis://${address}:${port}`,
};

/** An ordinary user, since PostgreSQL refuses root. */
const nobody = 65_534;
const ordinary = isRoot ? [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'] : [];

const postgresFolder = findFolder(['initdb', 'postgres'], debianFolders());
const databaseUser = 'headpool';

const postgres: ServerKind = {
  problem: findPostgresProblem(),
  readyText: 'database system is ready to accept connections',
  // SIGTERM would wait for all clients to go.
  ends: { orderly: 'SIGINT', crash: 'SIGQUIT' },
  async prepare({ folder }, { password }) {
    const data = join(folder, 'data');
    const passwordFile = join(folder, 'password');
    await mkdir(data, { mode: 0o700 });
    await writeFile(passwordFile, password ?? '');
    if (isRoot) for (const path of [folder, data, passwordFile]) await chown(path, nobody, nobody);
    const method = password === undefined ? 'trust' : 'scram-sha-256';
    const access = [`--auth=${method}`, ...(password === undefined ? [] : ['--pwfile', passwordFile])];
    const plain = ['--locale=C', '--encoding=UTF8', '--no-sync', '--no-instructions'];
    const initdb = [join(postgresFolder!, 'initdb'), '-D', data, '-U', databaseUser, ...access, ...plain];
    const [program, ...args] = [...tiedToParent('SIGKILL', ordinary), ...initdb] as [string, ...string[]];
    await promisify(execFile)(program, args, { cwd: folder });
    // Without this line only those at the loopback address are let in.
    await appendFile(join(data, 'pg_hba.conf'), `host all all samenet ${method}\n`);
  },
  commandOf({ folder, address, port }, { settings }) {
    const all = { listen_addresses: address, port, unix_socket_directories: '', fsync: 'off', ...settings };
    const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const program = [join(postgresFolder!, 'postgres'), '-D', join(folder, 'data')];
    return [...tiedToParent('SIGQUIT', ordinary), ...program, ...flags];
  },
  urlOf: ({ address, port }) => `postgres://${databaseUser}@${address}:${port}/postgres`,
};

export const serverKinds = { redis, postgres } as const satisfies Record<string, ServerKind>;

export type Backend = keyof typeof serverKinds;

function findPostgresProblem(): string | undefined {
  if (postgresFolder === undefined) return 'there is no PostgreSQL';
  if (isRoot && !hasSetpriv) return 'PostgreSQL refuses root, and there is no setpriv';
  return undefined;
}

/** Where Debian keeps the programs of each version, the newest first. */
function debianFolders(): string[] {
  const all = '/usr/lib/postgresql';
  try {
    const versions = readdirSync(all).sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(all, version, 'bin'));
  } catch {
    return [];
  }
}

// How a queue's server is reached, read from a URL. Whatever is secret is in here and in nothing that is said or logged.
import { HeadpoolError } from '../../core/errors.js';

export interface QueueServer {
  readonly program: 'Redis' | 'PostgreSQL';
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Of Redis a number; of PostgreSQL a name, or none: that of the user. */
  readonly database: string | undefined;
  /** Whether the connection is encrypted, and the server's certificate checked. */
  readonly isSecure: boolean;
}

export interface Credentials {
  readonly user: string | undefined;
  readonly password: string | undefined;
}

interface Scheme extends Pick<QueueServer, 'program' | 'isSecure'> {
  readonly port: number;
}

const schemes: Readonly<Record<string, Scheme>> = {
  'redis:': { program: 'Redis', port: 6379, isSecure: false },
  'rediss:': { program: 'Redis', port: 6379, isSecure: true },
  'postgres:': { program: 'PostgreSQL', port: 5432, isSecure: false },
  'postgresql:': { program: 'PostgreSQL', port: 5432, isSecure: false },
};

const form = 'redis://host:port, rediss://host:port or postgres://host:port/database?sslmode=verify-full';

/**
 * @param others where the URL doesn't tell
 * @throws INVALID_OPTION, without the URL: it may hold a password
 */
export function parseServer(text: string, others: Credentials): QueueServer {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const scheme = url && schemes[url.protocol];
  if (url === undefined || scheme === undefined || url.hostname === '')
    throw refusal(`a URL such as ${form}`);
  if (url.hash !== '') throw refusal('no # in it; in a password it is written %23');
  const database = decode(url.pathname.slice(1)) || undefined;
  if (scheme.program === 'Redis' && !/^\d{0,4}$/.test(database ?? ''))
    throw refusal('the number of a database after the slash');
  return {
    program: scheme.program,
    // Of an IPv6 address without its brackets.
    host: decode(url.hostname).replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? scheme.port : Number(url.port),
    user: decode(url.username) || others.user,
    password: decode(url.password) || others.password,
    database,
    isSecure: readParameters(url, scheme),
  };
}

/** Whether it has a password: in a flag every process of the machine can read it. */
export function hasPassword(text: string): boolean {
  return URL.canParse(text) && new URL(text).password !== '';
}

/** For messages: no user, no password. */
export function describeServer({ program, host, port, database }: QueueServer): string {
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return `${program} at ${place}${database === undefined ? '' : `/${database}`}`;
}

/** libpq's modes in between encrypt, and talk to whoever answers. */
function readParameters({ searchParams }: URL, { program, isSecure }: Scheme): boolean {
  let isChecked = isSecure;
  for (const [name, value] of searchParams) {
    if (program !== 'PostgreSQL' || name !== 'sslmode') throw refusal(`no parameter \`${name}\``);
    if (value !== 'verify-full' && value !== 'disable')
      throw refusal('sslmode=verify-full or sslmode=disable');
    isChecked = value === 'verify-full';
  }
  return isChecked;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refusal('% only before two hexadecimal digits');
  }
}

function refusal(what: string): HeadpoolError {
  return new HeadpoolError('INVALID_OPTION', `Expected ${what} for \`--connection\``);
}

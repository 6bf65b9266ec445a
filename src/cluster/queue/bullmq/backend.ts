// What BullMQ is given to reach a server: the connection, and the one of its two backends that speaks to it.
import type { BackendFactory, ConnectionOptions, RedisQueueBackend } from 'bullmq';
import type { ClientConfig } from 'pg';
import type { RedisOptions } from 'ioredis';
import type { QueueServer } from '../connection.js';
import { loadBullmq } from './packages.js';

/** How long a server may be away. */
export type Patience =
  /** A command gives up after some ten seconds. */
  | 'short'
  /** A worker goes on meanwhile. */
  | 'endless';

export interface Backend {
  readonly bullmq: Awaited<ReturnType<typeof loadBullmq>>;
  readonly options: { readonly connection: ConnectionOptions };
  readonly factory: Factory;
}

/** Where BullMQ's types aren't told of a backend they mean that of Redis; nothing of its own is used. */
type Factory = BackendFactory<RedisQueueBackend>;

export const shortPatienceMs = 10_000;
const connectMs = 5000;
/** More than BullMQ ever waits for a job in one go, on the connection that waits for jobs. */
const silenceMs = 15_000;

/** @throws INVALID_OPTION if a package is missing */
export async function openBackend(server: QueueServer, patience: Patience): Promise<Backend> {
  const bullmq = await loadBullmq(server);
  if (server.program === 'Redis') {
    const options = optionsOf(redisOptionsOf(server, patience));
    return { bullmq, options, factory: bullmq.getDefaultBackendFactory() };
  }
  return {
    bullmq,
    options: optionsOf({ ...postgresConfigOf(server, patience), max: 4, migrate: true }),
    factory: bullmq.createPostgresBackend as unknown as Factory,
  };
}

function optionsOf(connection: object): Backend['options'] {
  return { connection };
}

const reconnectMs = 500;

export function redisOptionsOf(
  { host, port, user, password, database = '0', isSecure }: QueueServer,
  patience: Patience,
): RedisOptions {
  return {
    ...{ host, port, db: Number(database), connectTimeout: connectMs, socketTimeout: silenceMs },
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
    ...(isSecure && { tls: {} }),
    // Whatever waits for a job has to wait for its server too.
    maxRetriesPerRequest: null,
    retryStrategy: (times) =>
      patience === 'short' && times * reconnectMs > shortPatienceMs ? null : reconnectMs,
  };
}

/** The password of a file ~/.pgpass or of PGPASSWORD is used where none is given. */
export function postgresConfigOf(
  { host, port, user, password, database, isSecure }: QueueServer,
  patience: Patience,
): ClientConfig {
  return {
    ...{ host, port, keepAlive: true, connectionTimeoutMillis: connectMs },
    // Whose certificate it is to be: of an address it would ask for that of localhost.
    ssl: isSecure && { host },
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(database !== undefined && { database }),
    ...(patience === 'endless' && { query_timeout: silenceMs }),
  };
}

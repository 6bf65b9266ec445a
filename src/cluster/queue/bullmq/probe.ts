// Whether a server is there, lets us in, and keeps what it is given: looked at before anything is asked of it.
import { setTimeout as sleep } from 'node:timers/promises';
import { HeadpoolError } from '../../../core/errors.js';
import { describeServer, type QueueServer } from '../connection.js';
import { postgresConfigOf, redisOptionsOf } from './backend.js';
import { isGone } from './gone.js';
import { loadPostgres, loadRedis } from './packages.js';

export interface Waiting {
  /** How long the server may be away. */
  readonly mostMs: number;
  readonly signal?: AbortSignal;
  /** Called once, with why it has to be waited for. */
  readonly onWait?: (reason: string) => void;
}

const pollMs = 500;

/** @throws QUEUE_UNAVAILABLE saying why; the signal's reason; INVALID_OPTION if a package is missing */
export async function waitForServer(server: QueueServer, { mostMs, signal, onWait }: Waiting): Promise<void> {
  const endMs = performance.now() + mostMs;
  for (let tries = 0; ; tries++) {
    signal?.throwIfAborted();
    try {
      await (server.program === 'Redis' ? probeRedis(server) : probePostgres(server));
      return;
    } catch (error) {
      if (error instanceof HeadpoolError) throw error;
      const unavailable = unavailableOf(server, error);
      if (!isGone(error) || performance.now() + pollMs > endMs) throw unavailable;
      if (tries === 0) onWait?.(unavailable.message);
      await sleep(pollMs);
    }
  }
}

/** The error of a server, without what drivers keep with theirs: their commands may hold passwords. */
export function unavailableOf(server: QueueServer, error: unknown): HeadpoolError {
  const { message, code } = error as { readonly message?: string; readonly code?: string };
  const reason = message === undefined || message === '' ? (code ?? String(error)) : message;
  return new HeadpoolError('QUEUE_UNAVAILABLE', `${describeServer(server)}: ${reason}`);
}

async function probeRedis(server: QueueServer): Promise<void> {
  const { Redis } = await loadRedis();
  const redis = new Redis({
    ...redisOptionsOf(server, 'short'),
    lazyConnect: true,
    retryStrategy: () => null,
  });
  let reason: Error | undefined;
  redis.on('error', (error: Error) => (reason = error));
  try {
    await redis.connect();
    const policy = /^maxmemory_policy:(.*?)\r?$/m.exec(await redis.info('memory'))?.[1];
    if (policy === undefined || policy === 'noeviction') return;
    throw new HeadpoolError(
      'QUEUE_UNAVAILABLE',
      `${describeServer(server)}: its policy ${policy} may throw jobs away; \`redis-cli -h ${server.host} -p ${server.port} config set maxmemory-policy noeviction\` sets the one that doesn't`,
    );
  } catch (error) {
    // What ended the connection says more than that it has ended.
    throw error instanceof HeadpoolError ? error : (reason ?? error);
  } finally {
    redis.disconnect();
  }
}

async function probePostgres(server: QueueServer): Promise<void> {
  const { default: pg } = await loadPostgres();
  const client = new pg.Client(postgresConfigOf(server, 'short'));
  // It may be lost once more after it was reached.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } finally {
    await client.end().catch(() => undefined);
  }
}

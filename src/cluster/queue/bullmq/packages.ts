// The packages that keep a queue, loaded where a queue is asked for: most who run attention have none of them.
import type * as Bullmq from 'bullmq';
import { HeadpoolError } from '../../../core/errors.js';
import type { QueueServer } from '../connection.js';

/** @throws INVALID_OPTION naming the package that is missing, and what installs it */
async function load<Package>(name: string, importing: Promise<Package>, also: string): Promise<Package> {
  try {
    return await importing;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new HeadpoolError(
      'INVALID_OPTION',
      `A queue needs the package ${name}, which isn't there: \`npm install bullmq ${also}\` beside headpool`,
      { cause },
    );
  }
}

const drivers = { Redis: 'ioredis', PostgreSQL: 'pg' } as const;

export async function loadBullmq({ program }: QueueServer): Promise<typeof Bullmq> {
  return load('bullmq', import('bullmq'), drivers[program]);
}

export async function loadRedis() {
  return load('ioredis', import('ioredis'), 'ioredis');
}

export async function loadPostgres() {
  return load('pg', import('pg'), 'pg');
}

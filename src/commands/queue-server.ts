// The server that a command is to talk to, by its settings and its environment.
import type { ArgumentsCamelCase } from 'yargs';
import { hasPassword, parseServer, type QueueServer } from '../cluster/queue/connection.js';
import { HeadpoolError } from '../core/errors.js';
import type { CommonArgs } from './command.js';

/** @throws INVALID_OPTION for a password that others can read, or a URL that is none */
export function serverOf(
  { connection }: { readonly connection: string },
  args: ArgumentsCamelCase<CommonArgs>,
): QueueServer {
  const { HEADPOOL_CONNECTION, HEADPOOL_QUEUE_USER, HEADPOOL_QUEUE_PASSWORD } = process.env;
  const isPrivate = args['connection'] === undefined && connection === HEADPOOL_CONNECTION;
  if (!isPrivate && hasPassword(connection)) {
    throw new HeadpoolError(
      'INVALID_OPTION',
      'A password in `--connection` can be read by others: put it into HEADPOOL_QUEUE_PASSWORD, or all of the URL into HEADPOOL_CONNECTION',
    );
  }
  return parseServer(connection, { user: HEADPOOL_QUEUE_USER, password: HEADPOOL_QUEUE_PASSWORD });
}

/** For examples. */
export const queueHelp = '--queue jobs --connection redis://server';

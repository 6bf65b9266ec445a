// Where rounds are played: each server of queues, with workers on this host, and with hosts of their own.
import { backends, queueServerProblem, type Backend } from '../../helpers/queue-servers.js';
import { findHostsProblem } from './hosts.js';

export interface Scene {
  readonly backend: Backend;
  /** Whether each worker is a host of its own. */
  readonly hasHosts: boolean;
  readonly title: string;
  /** Why there can be none here; undefined if there can. */
  readonly problem: string | undefined;
}

export function findScenes(): Scene[] {
  const hostsProblem = findHostsProblem();
  return [false, true].flatMap((hasHosts) =>
    backends.map((backend) => ({
      backend,
      hasHosts,
      title: `${backend}, with workers on ${hasHosts ? 'hosts of their own' : 'one host'}`,
      problem: queueServerProblem(backend) ?? (hasHosts ? hostsProblem : undefined),
    })),
  );
}

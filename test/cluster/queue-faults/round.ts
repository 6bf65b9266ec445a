// A round: a run of many shards, computed by four workers through a queue while its plan of faults comes to pass.
import { startQueueServer, type Backend } from '../../helpers/queue-servers.js';
import { openNetwork } from './hosts.js';
import { FaultMaker } from './make-faults.js';
import { planFaults } from './plan.js';
import { QueuedRun } from './queued-run.js';
import type { RoundRecord } from './record.js';
import type { Work } from './work.js';

export interface RoundOptions {
  readonly seed: number;
  readonly backend: Backend;
  /** Whether each worker is a host of its own. */
  readonly hasHosts: boolean;
}

export const lockSeconds = 4;
const hostNames = ['north', 'east', 'south', 'west'];
const password = 'only for tests';

export async function playRound(work: Work, { seed, backend, hasHosts }: RoundOptions): Promise<RoundRecord> {
  await using network = hasHosts ? await openNetwork(hostNames) : undefined;
  await using server = await startQueueServer(backend, {
    password,
    ...(network && { address: network.address, under: network.under }),
  });
  await using run = new QueuedRun(work, {
    folder: `round-${seed}-${backend}`,
    places: network?.hosts ?? hostNames.map(() => undefined),
    under: network?.under ?? [],
    ...{ url: server.url, password, lockSeconds },
  });
  const faults = new FaultMaker(run, server, lockSeconds);
  const plan = planFaults(seed, work.shards, hasHosts);
  const seconds = await run.play(() => faults.play(plan));
  const { happened, complaints } = faults;
  return {
    ...{ seed, seconds, happened, claims: await run.files.readClaims() },
    complaints: [...complaints, ...(await faults.findChanged()), ...(await run.findProblems())],
  };
}

// Makes the faults of a plan come to pass, and watches that who sleeps through the end of its lock changes nothing after.
import { setTimeout as sleep } from 'node:timers/promises';
import type { QueueServer } from '../../helpers/queue-servers.js';
import type { Worker } from './crew.js';
import type { QueuedRun } from './queued-run.js';
import type { LongFault, Plan, Planned } from './plan.js';
import type { Claim, Happened } from './record.js';
import type { Recorded } from './shard-files.js';

const pollMs = 25;
const serverMs = 5000;
/** Until a shard of a worker that gives no sign of life must be another's. */
const mostTakeOverMs = 60_000;

/** For so long it is watched what a sleeper that woke writes. */
const watchedMs = 2000;

interface Slept {
  readonly claim: Claim;
  readonly atWaking: Recorded;
  /** Most that its attempt recorded after that; the next one removes it when it is done. */
  readonly lines: number;
}

export class FaultMaker {
  readonly happened: Happened[] = [];
  readonly complaints: string[] = [];
  readonly #run: QueuedRun;
  readonly #server: QueueServer;
  readonly #lockSeconds: number;
  /** Who sleeps or is cut off: others are killed meanwhile. */
  readonly #away = new Set<Worker>();
  readonly #slept: Slept[] = [];

  constructor(run: QueuedRun, server: QueueServer, lockSeconds: number) {
    this.#run = run;
    this.#server = server;
    this.#lockSeconds = lockSeconds;
  }

  async play({ kills, long }: Plan): Promise<void> {
    await Promise.all([this.#playKills(kills), ...long.map((faults) => this.#playLong(faults))]);
  }

  async #playKills(kills: Plan['kills']): Promise<void> {
    for (const planned of kills) {
      if (!(await this.#isDue(planned))) return;
      const worker = choose(this.#present(), planned)!;
      const fromMs = Date.now();
      await this.#run.crew.replace(worker);
      this.#note('kill', worker, fromMs);
    }
  }

  async #playLong(faults: Plan['long'][number]): Promise<void> {
    for (const planned of faults) {
      const { fault } = planned;
      const isMade = (await this.#isDue(planned)) && (await this.#make(fault, planned));
      if (!isMade) this.complaints.push(`The run was over before its fault: ${fault}`);
    }
  }

  /** What has changed after sleepers woke, a line each. */
  async findChanged(): Promise<string[]> {
    const changed: string[] = [];
    for (const { claim, atWaking, lines } of this.#slept) {
      const { done } = await this.#run.files.read(claim);
      const what = `attempt ${claim.attempt} at shard ${claim.shard}`;
      // One record may have been checked before it slept, and was written after. It is its own, and nobody reads it.
      if (lines > (atWaking.lines ?? 0) + 1) changed.push(`The sleeper of ${what} went on recording`);
      if (atWaking.done !== undefined && atWaking.done !== done)
        changed.push(`After the sleeper of ${what} woke, what its shard has come to changed`);
    }
    return changed;
  }

  #present(): Worker[] {
    return this.#run.crew.workers.filter((worker) => !this.#away.has(worker));
  }

  /** Waits until it is time; false if the round is over before. */
  async #isDue({ shards, delayMs }: Planned): Promise<boolean> {
    const { files, over } = this.#run;
    while (!over.aborted && (await files.countDone()) < shards) await sleep(pollMs);
    await sleep(delayMs);
    return !over.aborted;
  }

  #make(fault: LongFault, planned: Planned): Promise<boolean> {
    switch (fault) {
      case 'sleep':
        return this.#sleepUntilTaken(planned);
      case 'cut off':
        return this.#cutOff(planned);
      case 'freeze':
      case 'stop':
      case 'crash':
        return this.#hitServer(fault);
    }
  }

  async #hitServer(fault: 'freeze' | 'stop' | 'crash'): Promise<boolean> {
    const server = this.#server;
    const fromMs = Date.now();
    if (fault === 'freeze') server.freeze();
    else await server.stop(fault === 'stop' ? 'orderly' : 'crash');
    await sleep(serverMs);
    if (fault === 'freeze') server.thaw();
    else await server.start();
    this.happened.push({ fault, fromMs, untilMs: Date.now() });
    return true;
  }

  async #sleepUntilTaken(planned: Planned): Promise<boolean> {
    const { files } = this.#run;
    for (;;) {
      const busy = await this.#findBusy(planned);
      if (busy === undefined) return false;
      const { worker, claim } = busy;
      const fromMs = Date.now();
      worker.signal('SIGSTOP');
      // It may have come to the end of its shard just before.
      if ((await files.read(claim)).done === undefined) {
        await this.#whileAway(worker, async () => {
          // So it can't learn from the queue that its shard is another's: only the files tell.
          worker.host?.cutOff();
          const isTaken = await this.#untilTaken(claim, fromMs);
          if (!isTaken) this.complaints.push(`Shard ${claim.shard} of a sleeper was never another's`);
          const atWaking = await files.read(claim);
          worker.signal('SIGCONT');
          this.#slept.push({ claim, atWaking, lines: await this.#watch(claim) });
          worker.host?.connect();
        });
        this.#note('sleep', worker, fromMs);
        return true;
      }
      worker.signal('SIGCONT');
    }
  }

  async #watch(claim: Claim): Promise<number> {
    const endMs = performance.now() + watchedMs;
    let most = 0;
    while (performance.now() < endMs) {
      most = Math.max(most, (await this.#run.files.read(claim)).lines ?? 0);
      await sleep(pollMs);
    }
    return most;
  }

  async #cutOff(planned: Planned): Promise<boolean> {
    const busy = await this.#findBusy(planned);
    if (busy === undefined) return false;
    const { worker, claim } = busy;
    const fromMs = Date.now();
    await this.#whileAway(worker, async () => {
      worker.host!.cutOff();
      // Its shard is either taken by another, or done on the disk, which both still see.
      const isTaken = await this.#untilTaken(claim, fromMs);
      if (!isTaken) this.complaints.push(`Shard ${claim.shard} of who was cut off was never done`);
      worker.host!.connect();
    });
    this.#note('cut off', worker, fromMs);
    return true;
  }

  /** At least for as long as a lock lasts without a sign of life. */
  async #untilTaken({ shard, attempt }: Claim, fromMs: number): Promise<boolean> {
    const { files } = this.#run;
    for (;;) {
      const passedMs = Date.now() - fromMs;
      const claims = await files.readClaims();
      const isTaken =
        claims.some((other) => other.shard === shard && other.attempt > attempt) ||
        (await files.isDone(shard));
      if (isTaken && passedMs > this.#lockSeconds * 1000) return true;
      if (passedMs > mostTakeOverMs) return false;
      await sleep(pollMs);
    }
  }

  /** A worker that is in the midst of a shard. Undefined if the round is over before there is one. */
  async #findBusy(planned: Planned): Promise<{ readonly worker: Worker; readonly claim: Claim } | undefined> {
    const { files, over } = this.#run;
    while (!over.aborted) {
      const atWork = await files.findAtWork();
      const busy = this.#present().flatMap((worker) => {
        const { host, pid } = worker.process;
        const claim = atWork.find(({ process }) => process?.host === host && process.pid === pid);
        return claim === undefined ? [] : [{ worker, claim }];
      });
      const chosen = choose(busy, planned);
      if (chosen !== undefined) return chosen;
      await sleep(pollMs);
    }
    return undefined;
  }

  async #whileAway(worker: Worker, action: () => Promise<void>): Promise<void> {
    this.#away.add(worker);
    try {
      await action();
    } finally {
      this.#away.delete(worker);
    }
  }

  #note(fault: LongFault | 'kill', { process }: Worker, fromMs: number): void {
    this.happened.push({ fault, process, fromMs, untilMs: Date.now() });
  }
}

function choose<T>(all: readonly T[], { whom }: Planned): T | undefined {
  return all[Math.floor(whom * all.length)];
}

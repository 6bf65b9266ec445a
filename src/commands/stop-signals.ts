// SIGINT and SIGTERM for a command that can end well: the first asks it to, the second ends the process at once.

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

type StopSignal = keyof typeof exitCodes;

/** Aborts at the first signal; the exit code tells which. */
export function stopOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(exitCodes[name]);
      const stopped = new Stopped(name);
      process.exitCode = stopped.exitCode;
      controller.abort(stopped);
    });
  }
  return controller.signal;
}

/** Why a run ended early: someone asked for it. */
export class Stopped extends Error {
  readonly signalName: StopSignal;
  readonly exitCode: number;

  /** @param outcome what became of the work, as the end of a sentence */
  constructor(signalName: StopSignal, outcome = '') {
    super(`Stopped by ${signalName}${outcome}`);
    this.signalName = signalName;
    this.exitCode = exitCodes[signalName];
  }
}

// The compiled command in a process of its own: started, fed and waited for.
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const cli = fileURLToPath(new URL('../../command/headpool.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly finished: Promise<Ended>;
}

export interface StartOptions {
  /** What runs node, such as a tracer with its flags. */
  readonly under?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default: there is none. */
  readonly stdin?: 'pipe';
}

/** Starts `headpool` with the working directory `where`. */
export function start(where: string, args: readonly string[], options: StartOptions = {}): Started {
  const { under = [], env, stdin = 'ignore' } = options;
  const [program = process.execPath, ...rest] = [...under, process.execPath, cli, ...args];
  const child = spawn(program, rest, {
    cwd: where,
    // What a test's own output looks like is no matter of the command.
    env: { ...process.env, FORCE_COLOR: undefined, ...env },
    stdio: [stdin, 'pipe', 'pipe'],
  });
  // Whoever needs no input may end first.
  child.stdin?.on('error', () => undefined);
  return { child, finished: finish(child) };
}

export async function finish(child: ChildProcess): Promise<Ended> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, signal: child.signalCode, stdout, stderr };
}

export async function run(where: string, args: readonly string[], options?: StartOptions): Promise<Ended> {
  return start(where, args, options).finished;
}

export async function headpool(...args: string[]): Promise<Ended> {
  return run('.', args);
}

/** Runs the command with `input` on its standard input; its output comes as bytes. */
export async function headpoolPiped(
  input: Uint8Array,
  ...args: string[]
): Promise<Omit<Ended, 'stdout'> & { readonly stdout: Buffer }> {
  const { child, finished } = start('.', args, { stdin: 'pipe' });
  const chunks: Buffer[] = [];
  child.stdout!.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin!.end(input);
  return { ...(await finished), stdout: Buffer.concat(chunks) };
}

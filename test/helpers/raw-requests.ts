// Requests that no well-behaved client sends: bytes on a socket, as slowly as wanted, and how the server ends them.
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Ending {
  /** Of the last answer, if there was one. */
  readonly status: number | undefined;
  readonly answers: number;
  /** Milliseconds until the server had closed the connection; null if it hadn't when time was up. */
  readonly closedMs: number | null;
}

export interface SlowBytes {
  readonly bytes: string | Uint8Array;
  /** Of one byte after another; without it all are sent at once. */
  readonly everyMs?: number;
  /** Whether nothing more is sent afterwards. Default: the client waits. */
  readonly isEnded?: boolean;
}

/** Says so much to a server, and hears it out for `mostMs` at most. */
export async function say(url: string, parts: readonly SlowBytes[], mostMs: number): Promise<Ending> {
  const socket = await open(url);
  const startMs = performance.now();
  let heard = '';
  socket.setEncoding('latin1').on('data', (text: string) => (heard += text));
  let isClosed = false;
  const closed = new Promise<number>((resolve) => {
    socket.once('close', () => {
      isClosed = true;
      resolve(performance.now() - startMs);
    });
  });
  void speak(socket, parts, () => isClosed);
  const closedMs = await Promise.race([closed, sleep(mostMs, null, { ref: false })]);
  socket.destroy();
  const statuses = [...heard.matchAll(/^HTTP\/1\.[01] (\d{3})/gm)].map(([, status]) => Number(status));
  // What comes before the answer proper is none.
  const answers = statuses.filter((status) => status !== 100);
  return { status: answers.at(-1), answers: answers.length, closedMs };
}

async function speak(socket: Socket, parts: readonly SlowBytes[], isClosed: () => boolean): Promise<void> {
  for (const { bytes, everyMs, isEnded = false } of parts) {
    if (isClosed()) return;
    if (everyMs === undefined) socket.write(bytes);
    else {
      for (const byte of Buffer.from(bytes)) {
        if (isClosed()) return;
        socket.write(Buffer.of(byte));
        await sleep(everyMs);
      }
    }
    if (isEnded) socket.end();
  }
}

/** A connection; the server may end it as it likes. */
export async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  await once(socket, 'connect');
  socket.on('error', () => undefined).on('end', () => socket.end());
  return socket;
}

/** The head of a request. @param headers a line each */
export function head(method: string, path: string, ...headers: readonly string[]): string {
  return [`${method} ${path} HTTP/1.1`, 'host: test', ...headers, '', ''].join('\r\n');
}

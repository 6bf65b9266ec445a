// A client of one connection that does as little as it can: on the same cores as the server, its time is the server's.
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

const headEnd = Buffer.from('\r\n\r\n');

/** An answer whose length its head says, as it arrives. */
interface Arriving {
  readonly status: number;
  readonly missing: { bytes: number };
  readonly body: Buffer[];
}

export class Connection {
  readonly #socket: Socket;
  #head: Buffer = Buffer.alloc(0);
  #arriving: Arriving | undefined;
  #resolve: (body: readonly Buffer[]) => void = () => undefined;
  #reject: (reason: Error) => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay();
    socket.on('data', (bytes) => {
      this.#take(bytes);
    });
    socket.on('error', (error) => {
      this.#reject(error);
    });
    socket.on('close', () => {
      this.#reject(new Error('The server closed a connection'));
    });
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Connection(socket);
  }

  /** The body of the answer, in the pieces in which it came. @throws Error where the status is another than 200 */
  ask(request: Uint8Array): Promise<readonly Buffer[]> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#reject = () => undefined;
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    let rest = bytes;
    if (this.#arriving === undefined) {
      this.#head = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes]);
      const end = this.#head.indexOf(headEnd);
      if (end < 0) return;
      this.#arriving = readHead(this.#head.toString('latin1', 0, end));
      rest = this.#head.subarray(end + headEnd.length);
      this.#head = Buffer.alloc(0);
    }
    const { status, missing, body } = this.#arriving;
    body.push(rest);
    missing.bytes -= rest.length;
    if (missing.bytes > 0) return;
    this.#arriving = undefined;
    if (status === 200) this.#resolve(body);
    else this.#reject(new Error(`The server answered ${status}: ${Buffer.concat(body).toString()}`));
  }
}

function readHead(head: string): Arriving {
  const status = Number(head.slice(9, 12));
  const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1]);
  if (!Number.isInteger(length)) throw new Error(`Expected an answer of known length, got ${head}`);
  return { status, missing: { bytes: length }, body: [] };
}

/** The bytes of a POST of safetensors. */
export function formatRequest(body: Uint8Array): Buffer {
  const head = [
    'POST /v1/attention HTTP/1.1',
    'host: 127.0.0.1',
    'content-type: application/vnd.safetensors',
    `content-length: ${body.length}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]);
}

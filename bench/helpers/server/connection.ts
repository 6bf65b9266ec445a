// A client of one connection that does as little as it can: on the same cores as the server, its time is the server's.
// Answers are read to where they stay, so that there is nothing to copy, nor garbage to collect.
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

const headEnd = Buffer.from('\r\n\r\n');

/** Where the body of an answer stands among its bytes. */
interface BodyRange {
  readonly start: number;
  readonly end: number;
}

export class Connection {
  readonly #socket: Socket;
  /** Of the answer that arrives, or was the last one. */
  #bytes = Buffer.alloc(2 ** 16);
  #length = 0;
  /** Known once its head is whole. */
  #body: BodyRange | undefined;
  #resolve: (body: Buffer) => void = () => undefined;
  #reject: (reason: Error) => void = () => undefined;

  private constructor(port: number) {
    const buffer = () => this.#bytes.subarray(this.#length);
    const callback = (length: number) => this.#take(length);
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer, callback } });
    this.#socket.on('error', (error) => {
      this.#reject(error);
    });
    this.#socket.on('close', () => {
      this.#reject(new Error('The server closed a connection'));
    });
  }

  static async open(port: number): Promise<Connection> {
    const connection = new Connection(port);
    await once(connection.#socket, 'connect');
    return connection;
  }

  /** The body of the answer, which stays until the next one is asked for. @throws Error where the status is another than 200 */
  ask(request: Uint8Array): Promise<Buffer> {
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

  /** More bytes have come. True: go on reading. */
  #take(length: number): true {
    this.#length += length;
    this.#body ??= this.#findBody();
    if (this.#body === undefined || this.#length < this.#body.end) return true;
    const { start, end } = this.#body;
    const status = Number(this.#bytes.toString('latin1', 9, 12));
    const body = this.#bytes.subarray(start, end);
    this.#length = 0;
    this.#body = undefined;
    if (status === 200) this.#resolve(body);
    else this.#reject(new Error(`The server answered ${status}: ${body.toString()}`));
    return true;
  }

  /** Makes room for it too. */
  #findBody(): BodyRange | undefined {
    const start = this.#bytes.subarray(0, this.#length).indexOf(headEnd) + headEnd.length;
    if (start < headEnd.length) return undefined;
    const head = this.#bytes.toString('latin1', 0, start);
    const end = start + Number(/^content-length: (\d+)$/im.exec(head)?.[1]);
    if (!Number.isInteger(end)) throw new Error(`Expected an answer of known length, got ${head}`);
    if (end > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], end);
    return { start, end };
  }
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

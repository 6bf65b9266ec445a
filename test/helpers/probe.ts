// An honest client beside the others: asks again and again on one connection, and counts answers that aren't right.
import { Agent, request as startRequest } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingMessage } from 'node:http';
import { createXavierWeights } from '../../src/attention/xavier.js';
import { createEngine } from '../../src/engine/engine.js';
import { formatSafetensors } from '../../src/files/safetensors-bytes.js';
import { safetensorsType, served } from './example-server.js';
import { uniformTensor } from './random.js';

const tokens = 40;
const pauseMs = 50;

/** What it asks, and what it must get. */
export interface Question {
  readonly body: Uint8Array;
  readonly answer: Uint8Array;
}

/** Answered by the library in this process. */
export async function prepareQuestion(): Promise<Question> {
  const x = uniformTensor([tokens, served.modelDim], 7);
  await using engine = await createEngine({ threads: 1 });
  const weights = createXavierWeights(served);
  using layer = await engine.multiHeadAttention({ heads: served.heads, weights });
  const { output } = await layer.forward(x);
  const format = (name: string, tensor: typeof x): Uint8Array => formatSafetensors(new Map([[name, tensor]]));
  return { body: format('x', x), answer: format('output', output) };
}

export interface Probe {
  /** Stops asking. @returns how many answers came, and what was wrong with the first that weren't right */
  end(): Promise<{ readonly answers: number; readonly wrong: readonly string[] }>;
}

/** Asks until it is told to end, from the first answer on. */
export async function startProbe(url: string, question: Question): Promise<Probe> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const wrong: string[] = [];
  let [answers, isOver] = [0, false];
  const askOnce = async (): Promise<void> => {
    const problem = await ask(url, question, agent).catch(String);
    answers++;
    if (problem !== undefined && wrong.length < 5) wrong.push(problem);
  };
  await askOnce();
  const asking = (async () => {
    while (!isOver) {
      await sleep(pauseMs);
      await askOnce();
    }
  })();
  return {
    end: async () => {
      isOver = true;
      await asking;
      agent.destroy();
      return { answers, wrong };
    },
  };
}

/** What is wrong with the answer to a question, on a connection of the agent's or a new one. */
export async function ask(
  url: string,
  { body, answer }: Question,
  agent?: Agent,
): Promise<string | undefined> {
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { 'content-type': safetensorsType, 'content-length': body.length };
    startRequest(`${url}/v1/attention`, { method: 'POST', headers, ...(agent && { agent }) }, resolve)
      .on('error', reject)
      .end(body);
  });
  const received = await buffer(message);
  if (message.statusCode !== 200) return `${message.statusCode}: ${received.toString()}`;
  return received.equals(answer) ? undefined : 'other bytes';
}

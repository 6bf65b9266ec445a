// The engine and the layer that the server has, from their start to their end.
import { createEngine, createXavierWeights, loadLayer } from 'headpool';
import { Refusal } from './errors.js';

/** @typedef {import('headpool').Engine} Engine */
/** @typedef {import('headpool').MultiHeadAttention} Layer */
/** @typedef {import('./settings.js').Settings} Settings */

export class Model {
  /** @type {'starting' | 'ready' | 'failed' | 'closing'} */
  #state = 'starting';
  /** @type {Engine | undefined} */
  #engine;
  /** @type {Layer | undefined} */
  #layer;
  /** Resolves once it can compute, rejects if it never will. */
  started;

  /** @param {Settings} settings @param {import('headpool').Logger} logger */
  constructor(settings, logger) {
    this.started = this.#start(settings, logger);
    this.started.catch(() => {
      if (this.#state === 'starting') this.#state = 'failed';
    });
  }

  get state() {
    // No worker can be started any more.
    if (this.#state === 'ready' && !this.#engine?.ready) return 'failed';
    return this.#state;
  }

  /** @throws Refusal while there is none */
  get layer() {
    if (this.#layer !== undefined) return this.#layer;
    throw new Refusal(503, 'NOT_READY', `The server is ${this.#state}`);
  }

  /** Undefined before there is an engine. */
  stats() {
    return this.#engine?.stats();
  }

  /** From now on it takes no new work; what is open goes on. */
  leave() {
    this.#state = 'closing';
  }

  /**
   * Lets open calls finish, for so long, and ends the threads. May be called again with less time.
   * @param {import('headpool').CloseOptions} [options]
   */
  async close(options) {
    this.leave();
    await this.started.catch(() => undefined);
    await this.#engine?.close(options);
  }

  /** @param {Settings} settings @param {import('headpool').Logger} logger */
  async #start(settings, logger) {
    this.#engine = await createEngine({
      device: settings.DEVICE,
      maxQueue: settings.MAX_QUEUE,
      logger,
      ...(settings.THREADS > 0 && { threads: settings.THREADS }),
      ...(settings.MEMORY_BYTES > 0 && { memoryLimitBytes: settings.MEMORY_BYTES }),
    });
    const layer = await this.#engine.multiHeadAttention(await readLayer(settings));
    if (layer.outputDim !== layer.modelDim) {
      throw new Error(`Expected a layer as wide as its input, got ${layer.modelDim} to ${layer.outputDim}`);
    }
    this.#layer = layer;
    if (this.#state === 'starting') this.#state = 'ready';
  }
}

/** @param {Settings} settings */
async function readLayer({ WEIGHTS, LAYER, HEADS, MODEL_DIM }) {
  if (WEIGHTS === '') {
    const heads = HEADS || 8;
    return { heads, weights: createXavierWeights({ modelDim: MODEL_DIM, heads, seed: 1 }) };
  }
  const { heads, kvHeads, weights, defaults } = await loadLayer(WEIGHTS, {
    ...(LAYER !== '' && { layer: /^\d+$/.test(LAYER) ? Number(LAYER) : LAYER }),
    ...(HEADS > 0 && { heads: HEADS }),
  });
  return { heads, kvHeads, weights, ...defaults };
}

// Sessions of decoding: a cache each, for one decode at a time, disposed of when it has been idle for long.
import { randomUUID } from 'node:crypto';
import { HeadpoolError } from 'headpool';
import { Refusal } from './errors.js';

export class Sessions {
  /** @type {Map<string, Session>} */
  #open = new Map();
  #model;
  #settings;

  /** @param {import('./model.js').Model} model @param {import('./settings.js').Settings} settings */
  constructor(model, settings) {
    this.#model = model;
    this.#settings = settings;
  }

  get count() {
    return this.#open.size;
  }

  /** @param {unknown} [maxTokens] @throws Refusal */
  create(maxTokens = this.#settings.MAX_SESSION_TOKENS) {
    const { MAX_SESSIONS, MAX_SESSION_TOKENS, SESSION_IDLE_MS } = this.#settings;
    const isCount = typeof maxTokens === 'number' && Number.isInteger(maxTokens) && maxTokens >= 1;
    if (!isCount || maxTokens > MAX_SESSION_TOKENS) {
      throw new Refusal(
        400,
        'INVALID_OPTION',
        `Expected an integer from 1 to ${MAX_SESSION_TOKENS} for maxTokens`,
      );
    }
    if (this.count >= MAX_SESSIONS) {
      throw new Refusal(503, 'TOO_MANY_SESSIONS', `${MAX_SESSIONS} sessions are open`);
    }
    const session = new Session(this.#createCache(maxTokens), SESSION_IDLE_MS, () =>
      this.#open.delete(session.id),
    );
    this.#open.set(session.id, session);
    return session;
  }

  /** @param {string} id @throws Refusal */
  find(id) {
    const session = this.#open.get(id);
    if (session === undefined)
      throw new Refusal(404, 'NO_SESSION', 'There is no such session, or it was idle for long');
    return session;
  }

  disposeAll() {
    for (const session of this.#open.values()) session.dispose();
  }

  /** @param {number} maxTokens */
  #createCache(maxTokens) {
    try {
      return this.#model.layer.createCache({ maxTokens });
    } catch (error) {
      // Alone it would have had room.
      if (error instanceof HeadpoolError && error.code === 'MEMORY_LIMIT' && this.count > 0) {
        throw new Refusal(503, 'NO_MEMORY', error.message);
      }
      throw error;
    }
  }
}

export class Session {
  id = randomUUID();
  cache;
  idleMs;
  #onEnd;
  /** Undefined while it decodes. @type {NodeJS.Timeout | undefined} */
  #idle;
  #isDisposed = false;

  /** @param {import('headpool').KeyValueCache} cache @param {number} idleMs @param {() => void} onEnd */
  constructor(cache, idleMs, onEnd) {
    this.cache = cache;
    this.idleMs = idleMs;
    this.#onEnd = onEnd;
    this.#rest();
  }

  get tokens() {
    return this.cache.tokens[0] ?? 0;
  }

  /** Takes the session for one decode; what is returned ends that. @throws Refusal */
  begin() {
    if (this.#idle === undefined) throw new Refusal(409, 'CACHE_IN_USE', 'The session is decoding already');
    clearTimeout(this.#idle);
    this.#idle = undefined;
    return () => {
      if (!this.#isDisposed) this.#rest();
    };
  }

  /** Gives its memory back, once an open call is over. */
  dispose() {
    this.#isDisposed = true;
    clearTimeout(this.#idle);
    this.cache.dispose();
    this.#onEnd();
  }

  #rest() {
    this.#idle = setTimeout(() => this.dispose(), this.idleMs).unref();
  }
}

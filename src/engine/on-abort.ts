// Listening to abort signals: one listener a signal, however many calls share it. Each listener of a signal's own makes
// adding the next one slower, and may bring Node's warning of a leak.

interface Shared {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

const listening = new WeakMap<AbortSignal, Shared>();

/** Calls `callback`, a function given once, when `signal` is aborted, until the returned function is called. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const shared = listening.get(signal) ?? listenTo(signal);
  shared.callbacks.add(callback);
  return () => {
    if (!shared.callbacks.delete(callback) || shared.callbacks.size > 0) return;
    signal.removeEventListener('abort', shared.listener);
    listening.delete(signal);
  };
}

function listenTo(signal: AbortSignal): Shared {
  const callbacks = new Set<() => void>();
  const listener = (): void => {
    // The set itself, no copy: one callback may take another back.
    for (const callback of callbacks) callback();
  };
  signal.addEventListener('abort', listener);
  const shared = { callbacks, listener };
  listening.set(signal, shared);
  return shared;
}

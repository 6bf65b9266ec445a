// A caller's AbortSignal that may be relied on: looking at it, listening and leaving never throw, whatever was put in
// front of it. An error in the middle of a call's books would leave them open for good.
import { types } from 'node:util';

const names = ['aborted', 'reason', 'throwIfAborted', 'addEventListener', 'removeEventListener'] as const;

/** The signal itself where nothing of it is replaced, else one of our own that follows it. Throws what the signal does. */
export function ownSignal(signal: AbortSignal): AbortSignal {
  if (isPlain(signal)) return signal;
  const controller = new AbortController();
  const follow = (): void => {
    try {
      controller.abort(signal.reason);
    } catch (error) {
      controller.abort(error);
    }
  };
  signal.addEventListener('abort', follow, { once: true });
  if (signal.aborted) follow();
  return controller.signal;
}

function isPlain(signal: AbortSignal): boolean {
  return (
    !types.isProxy(signal) &&
    Object.getPrototypeOf(signal) === AbortSignal.prototype &&
    !names.some((name) => Object.hasOwn(signal, name))
  );
}

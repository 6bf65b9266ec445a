// `navigator.gpu` of this thread, where gpu.js looks for WebGPU: Node.js has none of its own.

/** What gpu.js asks of it. */
export interface NavigatorGpu {
  requestAdapter(): Promise<Pick<GPUAdapter, 'limits' | 'requestDevice'>>;
}

interface Scope {
  navigator?: { gpu?: NavigatorGpu };
}

/** Puts it in place and returns how to take it away again; while it is there, Dawn keeps the thread from ending. */
export function installNavigatorGpu(gpu: NavigatorGpu): () => void {
  const scope = globalThis as Scope;
  const isOwn = scope.navigator === undefined;
  if (isOwn) Object.defineProperty(scope, 'navigator', { value: {}, configurable: true });
  const navigator = scope.navigator!;
  Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  return () => {
    // Another device may have been opened after this one was lost.
    if (navigator.gpu !== gpu) return;
    delete navigator.gpu;
    if (isOwn) delete scope.navigator;
  };
}

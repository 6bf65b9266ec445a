// A program for a device. Types only.

export interface Shader {
  /** In errors. */
  readonly name: string;
  /** WGSL; the entry point is main. */
  readonly code: string;
  /** How binding n of group 0 is bound; the first is the uniform block, where there is one. */
  readonly bindings: readonly ('uniform' | 'read' | 'write')[];
  /** Whether gpu.js has translated it from JavaScript. */
  readonly isTranslated?: boolean;
}

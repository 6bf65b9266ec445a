// A program for the device as data: its text, and how what it reads and writes is bound. Types only.

/** A program for the device, and how what it reads and writes is bound. */
export interface Shader {
  /** For errors. */
  readonly name: string;
  /** WGSL with the entry point `main`. */
  readonly code: string;
  /** Binding n of group 0; a written one may be read as well. */
  readonly bindings: readonly ('uniform' | 'read' | 'write')[];
}

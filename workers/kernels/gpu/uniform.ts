// The uniform block of a shader: its fields stand once, for the text of the shader and for who fills it.

type Scalar = 'u32' | 'f32';

export interface Uniform<Name extends string> {
  /** WGSL: the block as binding 0, called `given`. */
  readonly declaration: string;
  /** Integers are taken modulo 2^32, so that an offset may be negative where what is added makes it good. */
  fill(values: Readonly<Record<Name, number>>): ArrayBuffer;
}

/** A block of scalars in the order of `fields`. */
export function defineUniform<Name extends string>(fields: Readonly<Record<Name, Scalar>>): Uniform<Name> {
  const names = Object.keys(fields) as Name[];
  const members = names.map((name) => `  ${name}: ${fields[name]},`).join('\n');
  return {
    declaration: `struct Given {\n${members}\n}\n@group(0) @binding(0) var<uniform> given: Given;`,
    fill(values) {
      const block = new DataView(new ArrayBuffer(Math.ceil(names.length / 4) * 16));
      names.forEach((name, n) => {
        if (fields[name] === 'f32') block.setFloat32(4 * n, values[name], true);
        else block.setUint32(4 * n, values[name], true);
      });
      return block.buffer;
    },
  };
}

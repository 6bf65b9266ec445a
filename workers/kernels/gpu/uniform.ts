// The uniform block of a shader: its fields stand once, for the text of the shader and for who fills it.

type Scalar = 'u32' | 'i32' | 'f32';

export interface Uniform<Name extends string> {
  /** WGSL: the block as binding 0. */
  readonly declaration: string;
  /** Integers are taken modulo 2^32, so that an offset may be negative where what is added makes it good. */
  fill(values: Readonly<Record<Name, number>>): ArrayBuffer;
}

/** A block of scalars in the order of `fields`, by a name that shaders call it by. */
export function defineUniform<Name extends string>(
  fields: Readonly<Record<Name, Scalar>>,
  name = 'given',
): Uniform<Name> {
  const names = Object.keys(fields) as Name[];
  const members = names.map((field) => `  ${field}: ${fields[field]},`).join('\n');
  return {
    declaration: `struct Given {\n${members}\n}\n@group(0) @binding(0) var<uniform> ${name}: Given;`,
    fill(values) {
      const block = new DataView(new ArrayBuffer(Math.ceil(names.length / 4) * 16));
      names.forEach((field, n) => {
        // Integers of both kinds have the same bits.
        if (fields[field] === 'f32') block.setFloat32(4 * n, values[field], true);
        else block.setUint32(4 * n, values[field], true);
      });
      return block.buffer;
    },
  };
}

// Messages of ONNX in protobuf's wire format: just what a small model takes, so that no package is needed to write one.
// Not a general writer: float32, int32 and int64 tensors, integer attributes. The numbers are the fields of onnx.proto.

export type Bytes = Uint8Array<ArrayBuffer>;

const elementTypes = { float32: 1, int32: 6, int64: 7 } as const;

export type ElementType = keyof typeof elementTypes;

/** A model of one graph; operator set 17 and Microsoft's own. */
export function encodeModel(parts: {
  readonly name: string;
  readonly nodes: readonly Bytes[];
  readonly initializers: readonly Bytes[];
  readonly inputs: readonly Bytes[];
  readonly outputs: readonly Bytes[];
}): Bytes {
  const graph = join([
    ...parts.nodes.map((bytes) => lengthDelimited(1, bytes)),
    text(2, parts.name),
    ...parts.initializers.map((bytes) => lengthDelimited(5, bytes)),
    ...parts.inputs.map((bytes) => lengthDelimited(11, bytes)),
    ...parts.outputs.map((bytes) => lengthDelimited(12, bytes)),
  ]);
  const operators = (domain: string, version: number): Bytes =>
    lengthDelimited(8, join([text(1, domain), integer(2, version)]));
  return join([integer(1, 8), operators('', 17), operators('com.microsoft', 1), lengthDelimited(7, graph)]);
}

export function node(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  { domain = '', attributes = [] }: { readonly domain?: string; readonly attributes?: readonly Bytes[] } = {},
): Bytes {
  return join([
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(3, outputs[0]!),
    text(4, operator),
    ...attributes.map((attribute) => lengthDelimited(5, attribute)),
    text(7, domain),
  ]);
}

export function integerAttribute(name: string, value: number): Bytes {
  return join([text(1, name), integer(3, value), integer(20, 2)]);
}

export function integersAttribute(name: string, values: readonly number[]): Bytes {
  return join([text(1, name), ...values.map((value) => integer(8, value)), integer(20, 7)]);
}

export function floatTensor(name: string, dims: readonly number[], data: Float32Array<ArrayBuffer>): Bytes {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return tensor(name, { dims, type: 'float32', raw });
}

export function integerTensor(name: string, values: readonly number[]): Bytes {
  const raw = new Uint8Array(new BigInt64Array(values.map(BigInt)).buffer);
  return tensor(name, { dims: [values.length], type: 'int64', raw });
}

/** A scalar without `dims`. */
export function int32Tensor(name: string, value: number, dims: readonly number[] = []): Bytes {
  return tensor(name, { dims, type: 'int32', raw: new Uint8Array(new Int32Array([value]).buffer) });
}

function tensor(name: string, content: { dims: readonly number[]; type: ElementType; raw: Bytes }): Bytes {
  const { dims, type, raw } = content;
  return join([
    ...dims.map((length) => integer(1, length)),
    integer(2, elementTypes[type]),
    text(8, name),
    lengthDelimited(9, raw),
  ]);
}

/** @param dims lengths, or names of those that differ from run to run */
export function valueInfo(
  name: string,
  dims: readonly (number | string)[],
  type: ElementType = 'float32',
): Bytes {
  const dimension = (dim: number | string): Bytes =>
    typeof dim === 'number' ? integer(1, dim) : text(2, dim);
  const shape = join(dims.map((dim) => lengthDelimited(1, dimension(dim))));
  const tensorType = join([integer(1, elementTypes[type]), lengthDelimited(2, shape)]);
  return join([text(1, name), lengthDelimited(2, lengthDelimited(1, tensorType))]);
}

function integer(field: number, value: number): Bytes {
  return join([varint(BigInt(field << 3)), varint(BigInt.asUintN(64, BigInt(value)))]);
}

function text(field: number, value: string): Bytes {
  return lengthDelimited(field, new TextEncoder().encode(value));
}

function lengthDelimited(field: number, bytes: Bytes): Bytes {
  return join([varint(BigInt((field << 3) | 2)), varint(BigInt(bytes.length)), bytes]);
}

function varint(value: bigint): Bytes {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 128n) return new Uint8Array([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
}

function join(parts: readonly Bytes[]): Bytes {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

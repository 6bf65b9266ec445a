// Families whose four projections are four linear layers: all that follows from their names.
import type { MultiHeadWeights } from '../attention/weights.js';
import type { Family, MatrixOf, Projection, Projections, Tensors } from './family.js';
import { linearNamed } from './linear-parts.js';

/** The names of the four, without `.weight` and `.bias`. */
export type ProjectionNames = Readonly<Record<keyof Projections, string>>;

type NamedParts = Pick<Family, 'needs' | 'optional' | 'projectionsOf' | 'weightsOf'>;

export function namedProjections({ query, key, value, output }: ProjectionNames): NamedParts {
  const all = [query, key, value, output];
  return {
    needs: () => all.map((name) => `${name}.weight`),
    optional: all.map((name) => `${name}.bias`),
    projectionsOf: (matrixOf) => ({
      query: projectionNamed(matrixOf, query),
      key: projectionNamed(matrixOf, key),
      value: projectionNamed(matrixOf, value),
      output: projectionNamed(matrixOf, output),
    }),
    weightsOf: (tensors: Tensors): MultiHeadWeights => ({
      query: linearNamed(tensors, query),
      key: linearNamed(tensors, key),
      value: linearNamed(tensors, value),
      output: linearNamed(tensors, output),
    }),
  };
}

export function projectionNamed(matrixOf: MatrixOf, name: string): Projection {
  const tensor = `${name}.weight`;
  const [rows, columns] = matrixOf(tensor);
  return { tensor, rows, columns };
}

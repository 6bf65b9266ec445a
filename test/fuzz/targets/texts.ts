// Text that people and programs write for us: configurations, stored results, the settings of checkpoints.
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadLayer } from '../../../src/index.js';
import { resolveSettings } from '../../../src/config/settings.js';
import { parseResults } from '../../../src/measure/stored-results.js';
import { exampleGrid, exampleScaling } from '../../helpers/bench-fixtures.js';
import { modelsFolder } from '../../helpers/models.js';
import { damageBytes } from '../damage/bytes.js';
import { damageText } from '../damage/text.js';
import type { Draw } from '../draw.js';
import type { FuzzTarget } from '../target.js';

const damage = (bytes: Uint8Array, draw: Draw): Uint8Array =>
  draw.isLucky(0.8) ? Buffer.from(damageText(Buffer.from(bytes).toString(), draw)) : damageBytes(bytes, draw);

const configuration = `# a layer over a folder
input: [in/, "more*.jsonl"]
output: out/
weights: w.safetensors
heads: 8
kvHeads: 2
windowLeft: 64
sinks: [0, 1, 0.5, 0, 0, 0, 0, 0]
onError: skip
memory: 2GB
batchTokens: 16384
`;

export const yaml: FuzzTarget = {
  createSeeds: () =>
    Promise.resolve([
      Buffer.from(configuration),
      Buffer.from('{"input": ["x.npy"], "output": "y.npy", "weights": "w.safetensors"}'),
    ]),
  damage,
  async take(bytes, folder) {
    const configPath = join(folder, 'run.yaml');
    await writeFile(configPath, bytes);
    await resolveSettings('run', { flags: {}, environment: {}, configPath });
    return bytes.length;
  },
};

export const results: FuzzTarget = {
  createSeeds: () =>
    Promise.resolve([exampleGrid(), exampleScaling()].map((value) => Buffer.from(JSON.stringify(value)))),
  damage,
  take(bytes) {
    return Promise.resolve(Buffer.from(bytes).toString()).then((text) => {
      parseResults(text, 'r.json');
      return text.length;
    });
  },
};

const model = join(modelsFolder, 'llama');

/** config.json of a model whose tensors are right. */
export const checkpoint: FuzzTarget = {
  createSeeds: async () => [await readFile(join(model, 'config.json'))],
  damage,
  async take(bytes, folder) {
    await cp(join(model, 'model.safetensors'), join(folder, 'model.safetensors'));
    await writeFile(join(folder, 'config.json'), bytes);
    await loadLayer(folder, { layer: 0 });
    return 2 ** 20;
  },
};

/** The index that says which shard holds a tensor. */
export const checkpointIndex: FuzzTarget = {
  createSeeds: async () => {
    const file = await readFile(join(model, 'model.safetensors'));
    const header = JSON.parse(file.toString('utf8', 8, 8 + Number(file.readBigUInt64LE(0)))) as object;
    const names = Object.keys(header).filter((name) => name !== '__metadata__');
    const weight_map = Object.fromEntries(names.map((name) => [name, 'model-1.safetensors']));
    return [Buffer.from(JSON.stringify({ metadata: {}, weight_map }))];
  },
  damage,
  async take(bytes, folder) {
    await cp(join(model, 'model.safetensors'), join(folder, 'model-1.safetensors'));
    await cp(join(model, 'config.json'), join(folder, 'config.json'));
    await writeFile(join(folder, 'model.safetensors.index.json'), bytes);
    await loadLayer(folder, { layer: 0 });
    return 2 ** 20;
  },
};

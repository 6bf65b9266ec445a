// headpool run: a layer over files of sequences, from the files to the table at the end.
import type { CommandModule } from 'yargs';
import { whichShard } from '../cluster/which-shard.js';
import { identifyRun, identifyWork } from '../runs/identity.js';
import { addFlags, settingsOf, type CommonArgs } from './command.js';
import { foretell } from './dry-run.js';
import { requestOf } from './run-request.js';
import { runShard } from './shards/run-shard.js';
import { attentionOf, checkRun, choiceOf, compute, planOf, publish, startEngine } from './run-work.js';
import { stopOnSignals } from './stop-signals.js';

export const runCommand: CommandModule<object, CommonArgs> = {
  command: 'run',
  describe: 'Run a multi-head attention layer over files of sequences',
  builder: (yargs) => addFlags(yargs, 'run').example(examples),
  handler: async (args) => {
    const settings = await settingsOf('run', args);
    const isJson = args.json === true;
    const signal = stopOnSignals();
    const shard = whichShard(settings, process.env);
    if (shard !== undefined) {
      const report = await runShard(settings, { shard, configPath: args.config, signal });
      await publish(report, settings, isJson);
      return;
    }
    // Workers start while files are looked at.
    // A dry run needs them to say whether what is there was made by the same kernel.
    const starting = settings.dryRun && settings.resume === false ? undefined : startEngine(settings);
    try {
      const { request, layer } = await requestOf(settings, args.config);
      const plan = planOf(request, layer, settings);
      const sizes = await checkRun(request, plan);
      if (starting === undefined) {
        await foretell(request, plan, { layer, isJson });
        return;
      }
      const work = await identifyWork(request, layer);
      const engine = await starting;
      const options = { identity: identifyRun(work, engine.info), ...choiceOf(settings) };
      if (settings.dryRun) {
        await foretell(request, plan, { layer, isJson, resuming: options });
      } else {
        using attention = await attentionOf(engine, layer);
        const working = { ...plan, sizes, layer: attention, options, engine, signal };
        const report = await compute(request, settings, working);
        await publish(report, settings, isJson);
      }
    } finally {
      await starting?.then(
        (engine) => engine.close(),
        () => undefined,
      );
    }
  },
};

const examples: [string, string][] = [
  ['$0 run --input x.safetensors --weights w.safetensors --output y.safetensors', 'self-attention'],
  ['$0 run --input x.npy --weights bert-base-uncased/ --layer 3 --output y.npy', 'a layer of a model'],
  ['$0 run --input q.npy --key kv.npy --weights w.safetensors --output y.npy', 'cross-attention'],
  [
    '$0 run --input data/ --weights w.safetensors --output out/ --resume',
    'a folder that grows, again and again',
  ],
  [
    '$0 run --input data/ --weights w.safetensors --output y.safetensors --shard 3/16',
    'a part of it, on one of many machines',
  ],
  ['$0 run --config configs/demo.yaml --threads 4', 'settings from a file, one of them replaced'],
];

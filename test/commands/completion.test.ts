// The completion scripts, in the shells that they are for.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { fieldsOf } from '../../src/config/fields.js';
import { argumentOf, schemas, type CommandName } from '../../src/config/schemas.js';
import { headpool } from '../helpers/command.js';
import { completeInBash, completeInFish, completeInZsh, problemOf, type Shell } from '../helpers/shells.js';
import { testUnless } from '../helpers/skips.js';

const shells = ['bash', 'zsh', 'fish'] as const satisfies readonly Shell[];
const names = Object.keys(schemas) as CommandName[];

let folder = '';
const scriptOf = (shell: Shell): string => join(folder, `script.${shell}`);
const scripts = new Map<Shell, string>();

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headpool-completion-'));
  await writeFile(join(folder, 'layer of one.npy'), '');
  await writeFile(join(folder, 'weights.safetensors'), '');
  for (const shell of shells) {
    const { stdout } = await headpool('completion', shell);
    scripts.set(shell, stdout);
    await writeFile(scriptOf(shell), stdout);
  }
});
test.after.always(() => rm(folder, { recursive: true }));

for (const shell of shells) {
  test(`the script of ${shell} has every command, every flag and every word`, (t) => {
    const script = scripts.get(shell)!;
    for (const name of names) {
      t.regex(script, new RegExp(`\\b${name}\\b`), name);
      for (const [field, setting] of fieldsOf(name)) {
        const isArgument = argumentOf[name] === field;
        if (!isArgument)
          t.true(script.includes(shell === 'fish' ? `-l ${setting.name.slice(2)} ` : setting.name), field);
        for (const word of setting.words) t.true(script.includes(word), word);
      }
    }
  });
}

testUnless(problemOf('bash'))('bash completes commands, flags, words and paths', (t) => {
  const offered = (line: string): string[] => completeInBash(scriptOf('bash'), line, folder);
  t.deepEqual(offered('headpool ru'), ['run']);
  t.deepEqual(offered('headpool make-'), ['make-sequences', 'make-weights']);
  t.deepEqual(offered('headpool help ver'), ['verify']);
  t.deepEqual(offered('headpool run --ker'), ['--kernel']);
  t.deepEqual(offered('headpool run --kernel '), ['auto', 'native', 'wasm', 'reference', 'wgsl', 'gpujs']);
  t.deepEqual(offered('headpool run --kernel=na'), ['native']);
  t.deepEqual(offered('headpool run --causal b'), ['bottom-right']);
  t.deepEqual(offered('headpool run --device='), ['cpu', 'gpu']);
  t.deepEqual(offered('headpool run --threads '), []);
  t.deepEqual(offered('headpool run -i lay'), ['layer of one.npy']);
  t.deepEqual(offered('headpool run --input x.npy wei'), ['weights.safetensors']);
  t.deepEqual(offered('headpool run --weights=wei'), ['weights.safetensors']);
  t.deepEqual(offered('headpool run --input x.npy --threads 2 wei'), []);
  t.deepEqual(offered('headpool layers wei'), ['weights.safetensors']);
  t.deepEqual(offered('headpool bench --mode layer,de'), ['layer,decode']);
  t.deepEqual(offered('headpool completion z'), ['zsh']);
  t.deepEqual(offered('headpool rum --'), []);
});

testUnless(problemOf('fish'))('fish completes commands, flags, words and paths', (t) => {
  const offered = (line: string): string[] => completeInFish(scriptOf('fish'), line, folder);
  t.deepEqual(offered('headpool ru'), ['run']);
  t.deepEqual(offered('headpool help ver'), ['verify']);
  t.deepEqual(offered('headpool run --kern'), ['--kernel']);
  t.deepEqual(offered('headpool run --kernel na'), ['native']);
  t.deepEqual(offered('headpool run --causal=bot'), ['--causal=bottom-right']);
  t.deepEqual(offered('headpool run --threads '), []);
  t.deepEqual(offered('headpool run -i lay'), ['layer of one.npy']);
  t.deepEqual(offered('headpool layers wei'), ['weights.safetensors']);
  t.deepEqual(offered('headpool bench --mode layer,de'), ['layer,decode']);
  t.deepEqual(offered('headpool completion z'), ['zsh']);
});

testUnless(problemOf('zsh'))('zsh completes commands, flags, words and paths', (t) => {
  const completed = {
    'headpool ru': 'headpool run ',
    'headpool help ver': 'headpool help verify ',
    'headpool run --kern': 'headpool run --kernel=',
    'headpool run --kernel=na': 'headpool run --kernel=native ',
    'headpool run --kernel na': 'headpool run --kernel native ',
    'headpool run --causal=bot': 'headpool run --causal=bottom-right ',
    'headpool run -i lay': String.raw`headpool run -i layer\ of\ one.npy `,
    'headpool run --input x.npy wei': 'headpool run --input x.npy weights.safetensors ',
    'headpool layers wei': 'headpool layers weights.safetensors ',
    'headpool bench --mode layer,de': 'headpool bench --mode layer,decode,',
    'headpool completion z': 'headpool completion zsh ',
  };
  const lines = completeInZsh(scriptOf('zsh'), Object.keys(completed), folder);
  t.deepEqual(lines, Object.values(completed));
});

for (const [args, message] of [
  [['completion'], /^headpool: Expected `shell`: /],
  [
    ['completion', 'bsh'],
    /^headpool: Expected bash, zsh, fish for `shell`, got `"bsh"` \(string\); did you mean `bash`\?/,
  ],
] as const) {
  test(`headpool ${args.join(' ')} is refused`, async (t) => {
    const { code, stderr } = await headpool(...args);
    t.is(code, 2);
    t.regex(stderr, message);
  });
}

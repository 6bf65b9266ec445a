// Runs scripts one after another and says at once which there are, since they take a while.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * The exit code of the first one that fails, else 0.
 * @param steps each a name and the path of a script
 * @param about how long all of them take, in words
 * @param say takes a line
 */
export async function runSteps(steps, about, say) {
  say(`building: ${steps.map(({ name }) => name).join(', ')} (${about})`);
  const startMs = performance.now();
  for (const [index, { name, script }] of steps.entries()) {
    say(`${index + 1} of ${steps.length}: ${name}`);
    const code = await run(script);
    if (code !== 0) {
      say(`${name} could not be built`);
      return code;
    }
  }
  say(`built in ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
  return 0;
}

async function run(script) {
  const [code] = await once(spawn(process.execPath, [script], { stdio: 'inherit' }), 'exit');
  return code ?? 1;
}

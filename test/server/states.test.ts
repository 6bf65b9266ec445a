// examples/server inside another program: built, asked without a port, and closed; what it says of its state meanwhile.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { copyServer, type Variables } from '../helpers/example-server.js';

interface App {
  readonly model: { readonly started: Promise<void> };
  inject(request: object): Promise<{ readonly statusCode: number; json(): Record<string, unknown> }>;
  close(): Promise<void>;
}

async function build(t: ExecutionContext, variables: Variables): Promise<App> {
  const folder = await copyServer(t);
  const load = (name: string): Promise<unknown> => import(pathToFileURL(join(folder, name)).href);
  const { buildServer } = (await load('app.js')) as { buildServer: (settings: object) => App };
  const { readSettings } = (await load('settings.js')) as { readSettings: (from: Variables) => object };
  const app = buildServer(readSettings({ LOG_LEVEL: 'silent', MODEL_DIM: '64', THREADS: '1', ...variables }));
  t.teardown(() => app.close());
  return app;
}

const call = { method: 'POST', url: '/v1/attention', payload: { x: [new Array<number>(64).fill(0.5)] } };

test('it is not ready while it starts, and lives', async (t) => {
  const app = await build(t, {});
  const early = await app.inject({ url: '/readyz' });
  t.is(early.statusCode, 503);
  t.deepEqual(early.json(), { status: 'starting' });
  t.like((await app.inject(call)).json(), { code: 'NOT_READY' });
  t.is((await app.inject({ url: '/healthz' })).statusCode, 200);
  t.is((await app.inject({ url: '/metrics' })).statusCode, 200);

  await app.model.started;
  t.is((await app.inject({ url: '/readyz' })).statusCode, 200);
  t.is((await app.inject(call)).statusCode, 200);
});

test('one that can’t start is never ready', async (t) => {
  for (const variables of [{ WEIGHTS: 'none.safetensors' }, { HEADS: '5' }]) {
    const app = await build(t, variables);
    await t.throwsAsync(app.model.started);
    t.deepEqual((await app.inject({ url: '/readyz' })).json(), { status: 'failed' });
    t.is((await app.inject(call)).statusCode, 503);
  }
});

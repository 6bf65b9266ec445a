// The version of headpool, from its package.json: outputs record it.
import { createRequire } from 'node:module';

const { version: packageVersion } = createRequire(import.meta.url)('headpool/package.json') as {
  version: string;
};

export const version = packageVersion;

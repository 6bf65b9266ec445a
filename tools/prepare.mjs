// What npm runs where a package is installed from git: builds what is then packed. In a clone of one's own it does nothing;
// there `npm run build` builds.
import { execSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// npm sets it while it prepares what it has cloned.
const isInstallFromGit = process.env['_PACOTE_NO_PREPARE_'] !== undefined;
const root = new URL('..', import.meta.url);

if (isInstallFromGit && !existsSync(new URL('dist/library', root))) {
  execSync('npm run build', { cwd: fileURLToPath(root), stdio: 'inherit' });
}

// Lays the C++ out as .clang-format says; with --check it changes nothing and names what is laid out otherwise.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { getNativeBinary } from 'clang-format';
import { globSync } from 'tinyglobby';

const cwd = fileURLToPath(new URL('../', import.meta.url));
const files = globSync(['workers/**/*.{h,cc}', 'src/**/*.{h,cc}', 'test/native/*.{h,cc}', 'tools/**/*.cc'], {
  cwd,
});
const mode = process.argv.includes('--check') ? ['--dry-run', '--Werror'] : ['-i'];

const { status, error } = spawnSync(findBinary(), [...mode, ...files], { cwd, stdio: 'inherit' });
if (error?.code === 'ENOENT')
  console.error('No clang-format for this platform: install that of your system, version 15 or later');
process.exitCode = status ?? 1;

/** The package brings one for x64 and macOS; elsewhere the system's serves. */
function findBinary() {
  try {
    return getNativeBinary();
  } catch {
    return 'clang-format';
  }
}

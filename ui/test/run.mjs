// Bundles the tests into test/output and runs them with node --test; further arguments choose files
// by a part of their name. --screenshots writes those of the docs; --tap prints what machines read.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const UI = fileURLToPath(new URL('..', import.meta.url));
const OUTPUT = join(UI, 'test/output');
const TIMEOUT_MS = 20 * 60 * 1000;

const options = process.argv.slice(2).filter((argument) => argument.startsWith('--'));
const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const tests = readdirSync(join(UI, 'test'))
  .filter((file) => file.endsWith('_test.ts'))
  .filter((file) => names.length === 0 || names.some((name) => file.includes(name)));

rmSync(OUTPUT, { recursive: true, force: true });
mkdirSync(OUTPUT);
await build({
  entryPoints: tests.map((file) => join(UI, 'test', file)),
  outdir: OUTPUT,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  packages: 'external',
  platform: 'node',
  target: 'node18',
  format: 'esm',
  sourcemap: 'inline',
  logLevel: 'warning',
});
const environment = { ...process.env };
if (options.includes('--screenshots')) environment.QUIRE_SCREENSHOTS = join(UI, '../docs/images');
const outcome = spawnSync(
  process.execPath,
  [
    '--enable-source-maps',
    '--test',
    `--test-reporter=${options.includes('--tap') ? 'tap' : 'spec'}`,
    ...tests.map((file) => join(OUTPUT, file.replace('.ts', '.mjs'))),
  ],
  { cwd: UI, env: environment, stdio: 'inherit', timeout: TIMEOUT_MS },
);
process.exit(outcome.status ?? 1);

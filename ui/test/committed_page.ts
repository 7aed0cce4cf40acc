import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const FOLDER = join(process.cwd(), '../src/server/ui');

/** The page that is in the repository, and the policy that quire serves it under. */
export function committedPage(): { html: string; policy: string } {
  const header = readFileSync(join(FOLDER, 'page_bundle.h'), 'utf8');
  const lines = header.slice(header.indexOf('kPagePolicy')).match(/"[^"]*"/g) ?? [];
  return {
    html: gunzipSync(readFileSync(join(FOLDER, 'index.html.gz'))).toString('utf8'),
    policy: lines.map((line) => line.slice(1, -1)).join(''),
  };
}

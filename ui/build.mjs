// Bundles the page into src/server/ui/index.html.gz, and says in bundle.json and page_bundle.h
// what it was made of. `make build` needs neither Node nor this script.

import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

export const UI = fileURLToPath(new URL('.', import.meta.url));
const OUTPUT = join(UI, '../src/server/ui');
const BUNDLED_PACKAGES = ['preact', 'uplot', 'marked', 'dompurify'];

const sha256 = (bytes, encoding) => createHash('sha256').update(bytes).digest(encoding);

async function bundle(entry) {
  const result = await build({
    entryPoints: [join(UI, 'src', entry)],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: ['chrome111', 'firefox113', 'safari16.4'],
    charset: 'utf8',
    legalComments: 'none', // the licences stand at the end of the page
    logLevel: 'warning',
  });
  return result.outputFiles[0].text.trim();
}

function licences() {
  const texts = BUNDLED_PACKAGES.map((name) => {
    const folder = join(UI, 'node_modules', name);
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return `${name} ${version}\n\n${readFileSync(join(folder, 'LICENSE'), 'utf8').trim()}`;
  });
  return texts.join(`\n\n${'='.repeat(40)}\n\n`).replaceAll('--', '- -');
}

/** The page as one file, and the policy under which it works. */
export async function bundlePage() {
  const [script, style] = await Promise.all([bundle('main.tsx'), bundle('style/main.css')]);
  if (script.includes('</script') || style.includes('</style')) {
    throw new Error('the bundle would end its own element');
  }
  const svg = readFileSync(join(UI, 'src/icon.svg'), 'utf8').replace(/\s+/g, ' ').trim();
  const icon = `data:image/svg+xml,${encodeURIComponent(svg).replaceAll("'", '%27')}`;
  const parts = { ICON: icon, SCRIPT: script, STYLE: style, LICENCES: licences() };
  const template = readFileSync(join(UI, 'src/index.html'), 'utf8');
  const html = template.replace(/\{\{(\w+)\}\}/g, (_, name) => parts[name]);
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${sha256(script, 'base64')}'`,
    `style-src 'sha256-${sha256(style, 'base64')}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types dompurify',
  ];
  return { html, policy };
}

function sourceHashes() {
  const files = ['build.mjs', 'package.json', 'package-lock.json', 'tsconfig.json'];
  for (const entry of readdirSync(join(UI, 'src'), { recursive: true, withFileTypes: true })) {
    const folder = entry.parentPath ?? entry.path;
    if (entry.isFile()) files.push(relative(UI, join(folder, entry.name)));
  }
  return Object.fromEntries(
    files.sort().map((file) => [`ui/${file}`, sha256(readFileSync(join(UI, file)), 'hex')]),
  );
}

function header({ html, policy }) {
  const lines = policy.map((part, i) => `    "${part}${i + 1 < policy.length ? '; ' : ''}"`);
  return `#pragma once

// Written by ui/build.mjs together with index.html.gz.
namespace quire::server {

inline constexpr char kPageEtag[] = "\\"${sha256(html, 'hex').slice(0, 32)}\\"";
inline constexpr char kPagePolicy[] =
${lines.join('\n')};

}  // namespace quire::server
`;
}

async function main() {
  const page = await bundlePage();
  const packed = gzipSync(page.html, { level: 9 });
  const manifest = { page: sha256(page.html, 'hex'), sources: sourceHashes() };
  writeFileSync(join(OUTPUT, 'index.html.gz'), packed);
  writeFileSync(join(OUTPUT, 'bundle.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(join(OUTPUT, 'page_bundle.h'), header(page));
  console.log(`index.html.gz: ${packed.length} bytes, ${page.html.length} unpacked`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();

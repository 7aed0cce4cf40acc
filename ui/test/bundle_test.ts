import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { committedPage } from './committed_page';

test('the committed page is what its sources give', async () => {
  const url = pathToFileURL(join(process.cwd(), 'build.mjs')).href;
  const { bundlePage } = (await import(url)) as {
    bundlePage: () => Promise<{ html: string; policy: string[] }>;
  };
  const fresh = await bundlePage();
  const committed = committedPage();
  assert.ok(committed.html === fresh.html, 'the page differs: npm run build');
  assert.equal(committed.policy, fresh.policy.join('; '));
});

test('the page carries the licences of what it contains', () => {
  const { html } = committedPage();
  const licences = html.slice(html.indexOf('</html>'));
  for (const name of ['preact', 'uplot', 'marked', 'dompurify']) {
    assert.match(licences, new RegExp(`${name} \\d`));
  }
  assert.match(licences, /Permission is hereby granted, free of charge/);
});

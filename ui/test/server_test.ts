import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { launchBrowser, visit } from './browser';
import { committedPage } from './committed_page';
import { answerOf, openDashboard, openSettings, say } from './steps';

// The page against `quire serve` with the bundled model.
const PROGRAM = process.env['QUIRE_PROGRAM'];
const skip = PROGRAM ? false : 'QUIRE_PROGRAM does not name the program';
const MODEL = join(process.cwd(), '../models/small-chat');

let browser: Browser;
let server: ChildProcess;
let url: string;
let log = '';

/** Its address, once it has told it. */
async function waitForAddress(): Promise<string> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const address = /Serving on (http:\S+)/.exec(log)?.[1];
    if (address) return new URL('/', address).href;
    if (server.exitCode !== null || Date.now() > deadline) throw new Error(`no server:\n${log}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

if (PROGRAM) {
  before(async () => {
    const tools = ['--enable-auto-tool-choice', '--tool-call-parser', 'hermes'];
    server = spawn(PROGRAM, ['serve', MODEL, '--host', '127.0.0.1', '--port', '0', ...tools]);
    for (const stream of [server.stdout!, server.stderr!]) {
      stream.on('data', (text: Buffer) => (log += text.toString()));
    }
    url = await waitForAddress();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    server.kill('SIGTERM');
    if (server.exitCode === null) await new Promise((resolve) => server.once('exit', resolve));
  });
}

/** fetch hides the encoding and sends headers of its own. */
function get(headers: Record<string, string>) {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      request(url, { headers }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: Buffer.concat(parts).toString('utf8'),
          }),
        );
      })
        .on('error', reject)
        .end();
    },
  );
}

test('quire serves the committed page under its policy', { skip }, async () => {
  const { html, policy } = committedPage();
  const plain = await get({});
  assert.equal(plain.body, html);
  assert.equal(plain.headers['content-security-policy'], policy);
  const packed = await get({ 'Accept-Encoding': 'gzip' });
  assert.equal(packed.headers['content-encoding'], 'gzip');
  const again = await get({
    'Accept-Encoding': 'gzip',
    'If-None-Match': packed.headers['etag'] as string,
  });
  assert.equal(again.status, 304);
  assert.equal(again.body, '');
});

test('small-chat answers in the page', { skip }, async (t) => {
  const { page, problems, close } = await visit(browser, url);
  t.after(close);
  await page.getByText('You are talking to').waitFor();
  await openSettings(page);
  await page.getByLabel('temperature', { exact: true }).fill('0');
  await page.getByLabel('max_tokens', { exact: true }).fill('64');
  await say(page, 'Hello, who are you?');
  assert.match(await answerOf(page), /^I am a very small language model/);
  assert.match(await page.locator('.statistics').innerText(), /^\d+ tokens · [\d,]+ tokens\/s/);
  assert.deepEqual(problems, []);
});

test('small-chat’s probabilities can be looked at', { skip }, async (t) => {
  const { page, problems, close } = await visit(browser, url);
  t.after(close);
  await page.getByRole('button', { name: 'Probabilities' }).click();
  await say(page, 'What is the capital of France?');
  const tokens = page.locator('.token');
  assert.ok((await tokens.count()) > 2);
  await tokens.first().hover();
  assert.ok((await page.getByRole('tooltip').getByRole('row').count()) >= 5);
  assert.deepEqual(problems, []);
});

test('small-chat calls a tool and goes on with its result', { skip }, async (t) => {
  const { page, problems, close } = await visit(browser, url);
  t.after(close);
  await openSettings(page);
  await page.getByLabel('temperature', { exact: true }).fill('0');
  const properties = { city: { type: 'string' }, cuisine: { type: 'string' } };
  const description = 'Find restaurants in a city';
  const parameters = { type: 'object', properties, required: ['city', 'cuisine'] };
  const tool = { type: 'function', function: { name: 'FindRestaurants', description, parameters } };
  await page.getByLabel('Tools as JSON').fill(JSON.stringify([tool]));
  await page.getByLabel('Offer them').check();
  await say(page, 'Find me an Italian restaurant in Berkeley.');
  const card = page.getByRole('region', { name: 'Call of FindRestaurants' });
  assert.match(await card.innerText(), /"city": "Berkeley"/);
  await page.getByLabel('Result of FindRestaurants').fill('{"name": "Trattoria Corso"}');
  await page.getByRole('button', { name: 'Send the result' }).click();
  await page.locator('.message.assistant').nth(1).locator('.statistics').waitFor();
  assert.match(await answerOf(page), /restaurant/);
  assert.equal(await page.getByRole('alert').count(), 0);
  assert.deepEqual(problems, []);
});

test('what quire refuses is shown in its words', { skip }, async (t) => {
  const { page, close } = await visit(browser, url);
  t.after(close);
  await openSettings(page);
  await page.getByLabel('max_tokens', { exact: true }).fill('1000000');
  await say(page, 'Hello');
  const alert = await page.getByRole('alert').innerText();
  assert.match(alert, /max_tokens|2048/);
});

test('the dashboard tells what quire did', { skip }, async (t) => {
  const { page, problems, close } = await visit(browser, url);
  t.after(close);
  await openDashboard(page);
  await page.locator('.tile').first().waitFor();
  const tile = (name: string) => page.locator('.tile').filter({ hasText: name }).innerText();
  for (const name of ['Running', 'Waiting', 'KV cache', 'Tokens out', 'Tokens in']) {
    assert.match(await tile(name), /\n[\d.,]+/, name);
  }
  const totals = async () => (await tile('Tokens out')).split('\n').at(-1);
  const before = await totals();
  await page.getByRole('button', { name: 'Chat' }).click();
  await say(page, 'Tell me a short story.');
  await openDashboard(page);
  await page.waitForFunction(
    (text) => !document.querySelector('.tiles')!.textContent!.includes(text),
    before!,
  );
  await page.getByText(/finished: .*stop/).waitFor();
  assert.match(await tile('Time to first token'), /\n[\d.]+ m?s/);
  assert.deepEqual(problems, []);
});

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser, visit, type Visit } from './browser';
import { committedPage } from './committed_page';
import { MockServer } from './mock_server';
import { openDashboard, pass } from './steps';

let browser: Browser;
let server: MockServer;
let visited: Visit;
let page: Page;

before(async () => (browser = await launchBrowser()));
after(async () => browser.close());
beforeEach(async () => {
  server = new MockServer(committedPage());
  await server.start();
  visited = await visit(browser, server.url);
  page = visited.page;
  await page.clock.install();
});
afterEach(async () => {
  await visited.close();
  await server.stop();
});

/** The value and the note of a tile. */
async function tile(name: string): Promise<string[]> {
  const text = await page.locator('.tile').filter({ hasText: name }).innerText();
  return text.split('\n').slice(1);
}

/** How many pixels of a chart are drawn in the colour of a series. */
function inked(title: string, color: string): Promise<number> {
  return page.locator(`.chart:has(h2:text-is("${title}")) canvas`).evaluate((element, name) => {
    const canvas = element as HTMLCanvasElement;
    const probe = document.createElement('canvas').getContext('2d')!;
    probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name);
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
      const isClose = [r, g, b].every((value, k) => Math.abs(value! - data[i + k]!) < 40);
      if (isClose && data[i + 3]! > 128) ++count;
    }
    return count;
  }, color);
}

test('the tiles tell what the metrics tell', async () => {
  await openDashboard(page);
  await pass(page, server, 20);
  const [running, done] = await tile('Running');
  const now = server.metrics.last!;
  assert.equal(running, String(now.running));
  assert.ok(Math.abs(parseFloat(done!) - 5) < 0.8, done);
  assert.equal((await tile('Waiting'))[0], String(now.waiting));
  assert.equal((await tile('Waiting'))[1], '3 preemptions');
  assert.equal((await tile('KV cache'))[0], `${Math.round(now.kvUsage * 100)} %`);
  const [hits, hitsEver] = await tile('Prefix hits');
  assert.equal(hits, `${Math.round(now.hitRate(15) * 100)} %`);
  assert.match(hitsEver!, /^\d\d % since the start$/);
  const rate = Number((await tile('Tokens out'))[0]!.replace(/[^\d]/g, ''));
  assert.ok(
    Math.abs(rate / now.generationRate(3) - 1) < 0.15,
    `${rate} of ${now.generationRate(3)}`,
  );
  for (const name of ['Time to first token', 'Time between tokens']) {
    const [median, tail] = await tile(name);
    assert.match(median!, /^\d+ ms$/);
    assert.match(tail!, /^median\s+p90 \d+ ms\s+p99 \d+ ms$/);
  }
  assert.deepEqual(visited.problems, []);
});

test('two minutes of history are drawn in every chart', async () => {
  await openDashboard(page);
  await pass(page, server, 125);
  assert.deepEqual(visited.problems, []); // before the test reads the canvas, which warns
  assert.equal(await page.locator('.chart').count(), 6);
  for (const title of ['Requests', 'Tokens per second', 'Time to first token', 'Cache']) {
    assert.ok((await inked(title, '--series-1')) > 300, `${title}: first series`);
    assert.ok((await inked(title, '--series-2')) > 300, `${title}: second series`);
  }
  const plot = page.locator('.plot').first();
  const label = await plot.getAttribute('aria-label');
  assert.match(label!, /^Requests: running \d+, waiting \d+$/);
});

test('pointing at a moment shows its values', async () => {
  await openDashboard(page);
  await pass(page, server, 125);
  const legend = page.locator('.legend').first();
  const now = await legend.innerText();
  const over = page.locator('.chart').first().locator('.u-over');
  const box = (await over.boundingBox())!;
  const seen = new Set<string>();
  for (const share of [0.1, 0.3, 0.5, 0.7]) {
    await page.mouse.move(box.x + box.width * share, box.y + box.height / 2);
    seen.add(await legend.innerText());
  }
  assert.ok(seen.size > 2);
  await page.mouse.move(5, 5);
  await page.waitForFunction(
    (text) => document.querySelector<HTMLElement>('.legend')!.innerText === text,
    now,
  );
});

test('a server that goes away is told, and its return too', async () => {
  await openDashboard(page);
  await pass(page, server, 3);
  server.isBroken = true;
  await pass(page, server, 2);
  assert.equal(await page.getByRole('alert').innerText(), 'The engine is dead.');
  await page.getByText('not reachable').waitFor();
  server.isBroken = false;
  server.metrics.restart();
  await pass(page, server, 6);
  await page.getByText('live, every second').waitFor();
  assert.equal((await tile('Running'))[0], String(server.metrics.last!.running));
  const rate = Number((await tile('Tokens out'))[0]!.replace(/[^\d]/g, ''));
  assert.ok(rate > 0 && rate < 5000, `${rate}`);
});

test('the dashboard has an address of its own, and history goes on behind the chat', async () => {
  await page.goto(`${server.url}#dashboard`);
  await page.locator('.tile').first().waitFor();
  await pass(page, server, 5);
  await page.getByRole('button', { name: 'Chat' }).click();
  await page.getByLabel('Message', { exact: true }).waitFor();
  const before = server.metrics.numReadings;
  await pass(page, server, 4);
  assert.ok(server.metrics.numReadings >= before + 3);
  await page.goBack();
  await page.locator('.tile').first().waitFor();
});

test('nothing is asked of /metrics before the dashboard is opened', async () => {
  await page.clock.runFor(5000);
  await page.waitForTimeout(50);
  assert.equal(server.metrics.numReadings, 0);
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { DESKTOP, launchBrowser, PHONE, visit } from './browser';
import { committedPage } from './committed_page';
import { MockServer } from './mock_server';
import { openDashboard, openSettings, pass, say } from './steps';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SCREENSHOTS = process.env['QUIRE_SCREENSHOTS']; // a folder for those of the docs
const IN_DOCS = [
  'chat-light',
  'chat-dark',
  'chat-phone-light',
  'tools-phone-dark',
  'tokens-light',
  'settings-dark',
  'dashboard-light',
  'dashboard-dark',
  'dashboard-phone-light',
];

let browser: Browser;
before(async () => (browser = await launchBrowser()));
after(async () => browser.close());

/** A page on a server of its own; both go with the test. */
async function open(test: TestContext, options: BrowserContextOptions = {}, apiKey?: string) {
  const server = new MockServer({ ...committedPage(), ...(apiKey ? { apiKey } : {}) });
  await server.start();
  test.after(() => server.stop());
  const visited = await visit(browser, server.url, options);
  test.after(() => visited.close());
  return { server, ...visited };
}

/** What breaks a rule of WCAG 2.2, AA. */
async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run: (
          options: object,
        ) => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
      };
    };
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await axe.run({ runOnly: tags });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
}

/** Everything that reaches over the right edge of the page. */
function overflowing(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const isScrolled = (element: Element | null): boolean =>
      element !== null &&
      (/auto|scroll|hidden/.test(getComputedStyle(element).overflowX) ||
        isScrolled(element.parentElement));
    const wide = [...document.querySelectorAll('body *')].filter((element) => {
      const { right, width } = element.getBoundingClientRect();
      return width > 0 && right > innerWidth + 0.5 && !isScrolled(element.parentElement);
    });
    const own = [document.documentElement, document.querySelector('.transcript, .dashboard')!];
    const inside = own.filter((element) => element.scrollWidth > element.clientWidth);
    return [...wide, ...inside].map((element) => element.outerHTML.slice(0, 120));
  });
}

async function check(page: Page, what: string): Promise<void> {
  assert.deepEqual(await overflowing(page), [], `${what}: too wide`);
  assert.deepEqual(await accessibilityProblems(page), [], what);
}

async function shoot(page: Page, name: string): Promise<void> {
  if (SCREENSHOTS && IN_DOCS.includes(name))
    await page.screenshot({ path: join(SCREENSHOTS, `page-${name}.png`) });
}

async function chatThrough(page: Page, look: string): Promise<void> {
  await check(page, 'the front page');
  await say(page, 'What is 17 × 24?');
  await page.getByRole('button', { name: /^Thought for/ }).click();
  await check(page, 'thoughts');
  await say(page, 'Explain a queue in markdown');
  await check(page, 'Markdown');
  await shoot(page, `chat-${look}`);
  await page.getByRole('button', { name: 'Tools' }).click();
  await page.getByRole('button', { name: 'Conversations' }).isVisible();
  await say(page, 'What is the weather in Lisbon?');
  await check(page, 'a tool call');
  await page.getByLabel('Result of get_weather').fill('{"temperature": 19, "sky": "clear"}');
  await shoot(page, `tools-${look}`);
  await page.getByRole('button', { name: 'Send the result' }).click();
  await page.getByText('Take a light jacket.').waitFor();
  await page.getByRole('button', { name: 'Probabilities' }).click();
  await say(page, 'Tell me a story');
  await page.locator('.token').filter({ hasText: 'walked' }).hover();
  await check(page, 'probabilities');
  await shoot(page, `tokens-${look}`);
  await say(page, 'refuse this');
  await check(page, 'an error');
  await openSettings(page);
  await check(page, 'settings');
  await shoot(page, `settings-${look}`);
  await page.getByRole('button', { name: 'Close the settings' }).click();
}

for (const [size, viewport] of [
  ['desktop', DESKTOP],
  ['phone', PHONE],
  ['small phone', { width: 320, height: 568 }],
] as const) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`chat and dashboard look right: ${size}, ${colorScheme}`, async (t) => {
      const isTouch = size !== 'desktop';
      const options = { viewport, colorScheme, hasTouch: isTouch, isMobile: isTouch };
      const { server, page, problems } = await open(t, options);
      const look = size === 'desktop' ? colorScheme : `${size.replace(' ', '-')}-${colorScheme}`;
      await page.getByText('You are talking to').waitFor();
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const [red] = ground.match(/\d+/g)!.map(Number);
      assert.equal(red! > 128, colorScheme === 'light', ground);
      await chatThrough(page, look);
      await page.clock.install();
      await openDashboard(page);
      await pass(page, server, 125);
      await check(page, 'the dashboard');
      await shoot(page, `dashboard-${look}`);
      assert.deepEqual(problems, [
        // The browser's own word on the refused request.
        'Failed to load resource: the server responded with a status of 400 (Bad Request)',
      ]);
    });
  }
}

test('on a phone conversations and settings are dialogs that Escape closes', async (t) => {
  const { page } = await open(t, { viewport: PHONE });
  await say(page, 'Tell me a story');
  await page.getByRole('button', { name: 'Conversations' }).click();
  const list = page.getByRole('dialog', { name: 'Conversations' });
  await list.getByRole('button', { name: 'Tell me a story', exact: true }).waitFor();
  await check(page, 'the list');
  await page.keyboard.press('Escape');
  await list.waitFor({ state: 'detached' });
  await openSettings(page);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  const focused = await page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
  assert.equal(focused, 'Settings');
});

test('the colours can be chosen, and stay chosen', async (t) => {
  const { page } = await open(t, { colorScheme: 'light' });
  const theme = () => page.evaluate(() => document.documentElement.dataset['theme']);
  assert.equal(await theme(), 'light');
  await page.getByRole('button', { name: 'Change to light' }).click();
  await page.getByRole('button', { name: 'Change to dark' }).click();
  assert.equal(await theme(), 'dark');
  await page.reload();
  assert.equal(await theme(), 'dark');
  await page.getByRole('button', { name: 'Change to the system’s' }).click();
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.waitForFunction(() => document.documentElement.dataset['theme'] === 'dark');
});

test('with reduced motion nothing moves', async (t) => {
  for (const reducedMotion of ['reduce', 'no-preference'] as const) {
    const { page } = await open(t, { reducedMotion });
    await page.getByLabel('Message', { exact: true }).fill('be slow');
    await page.keyboard.press('Enter');
    await page.getByText('word2').waitFor();
    const numMoving = await page.evaluate(() => document.getAnimations().length);
    assert.equal(numMoving > 0, reducedMotion === 'no-preference');
  }
});

test('the page can be used with the keyboard alone', async (t) => {
  const { page } = await open(t);
  await page.getByText('You are talking to').waitFor();
  await page.getByRole('link', { name: 'Skip to the content' }).focus();
  const names: string[] = [];
  for (let i = 0; i < 12; ++i) {
    await page.keyboard.press('Tab');
    names.push(
      await page.evaluate(() => {
        const { activeElement } = document;
        return (
          activeElement!.getAttribute('aria-label') ??
          activeElement!.textContent!.trim().slice(0, 40)
        );
      }),
    );
  }
  const inOrder = [
    'Chat',
    'Dashboard',
    'Settings',
    'New chat',
    'Hello, who are you?',
    'Message',
    'Model',
  ];
  const places = inOrder.map((name) => names.indexOf(name));
  assert.deepEqual(
    [...places].sort((a, b) => a - b),
    places,
    names.join(' | '),
  );
  assert.ok(!places.includes(-1), names.join(' | '));
});

test('a key that the server wants is asked for and sent', async (t) => {
  const { server, page } = await open(t, {}, 'secret');
  await page.getByLabel('This server asks for an API key.').fill('wrong');
  await page.getByRole('button', { name: 'Connect' }).click();
  await page.getByLabel('The server does not accept this API key.').fill('secret');
  await check(page, 'the key');
  await page.getByRole('button', { name: 'Connect' }).click();
  await page.getByText('You are talking to').waitFor();
  await say(page, 'Tell me a story');
  assert.equal(server.requests.length, 1);
  assert.equal(await page.evaluate(() => localStorage.getItem('quire.api-key')), null);
  await page.reload();
  await page.getByLabel('Model', { exact: true }).waitFor();
  await say(page, 'Once more');
});

test('a server that is away is told, and tried again on demand', async (t) => {
  const { page } = await open(t);
  await page.getByText('You are talking to').waitFor();
  await page.route('**/v1/**', (route) => route.abort());
  await say(page, 'Tell me a story');
  assert.match(await page.getByRole('alert').innerText(), /The server cannot be reached/);
  await page.reload();
  await page.getByRole('button', { name: 'Try again' }).waitFor();
  await page.unroute('**/v1/**');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('quire 0.1.0').waitFor();
});

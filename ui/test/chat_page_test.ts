import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser, visit, type Visit } from './browser';
import { committedPage } from './committed_page';
import { MockServer } from './mock_server';
import { answerOf, openSettings, say, send, waitForEnd } from './steps';

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
  await page.getByText('You are talking to').waitFor();
});
afterEach(async () => {
  await visited.close();
  await server.stop();
});

const lastRequest = () => server.requests.at(-1)!;
const assertNoProblems = () => assert.deepEqual(visited.problems, []);

test('a message is answered in a stream, and told how fast', async () => {
  await say(page, 'Tell me a story');
  assert.match(await answerOf(page), /^A sheet of paper lay on a desk.*best thing to be\.$/s);
  assert.match(await page.locator('.statistics').innerText(), /^\d+ tokens · .* tokens\/s · first/);
  assert.deepEqual(lastRequest(), {
    model: 'paper-7b',
    messages: [{ role: 'user', content: 'Tell me a story' }],
    stream: true,
    stream_options: { include_usage: true },
  });
  assertNoProblems();
});

test('an example on the front page is a message', async () => {
  await page.getByRole('button', { name: 'I am hungry.' }).click();
  await waitForEnd(page);
  assert.equal(lastRequest().messages[0]!.content, 'I am hungry.');
});

test('a later message carries the conversation', async () => {
  await say(page, 'Tell me a story');
  await say(page, 'And a short one');
  assert.deepEqual(
    lastRequest().messages.map(({ role }) => role),
    ['user', 'assistant', 'user'],
  );
  assert.match(await page.locator('.statistics').last().innerText(), /cut off at the token limit/);
});

test('an answer can be stopped; what was written stays', async () => {
  await send(page, 'be slow');
  await page.getByText('word3').waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await waitForEnd(page);
  const text = await answerOf(page);
  assert.match(text, /^word0 word1 word2 word3/);
  assert.doesNotMatch(text, /word399/);
  assert.match(await page.locator('.statistics').innerText(), /stopped/);
  await page.waitForTimeout(100);
  assert.equal(server.numAborted, 1);
  assertNoProblems();
});

test('Escape stops an answer too', async () => {
  await send(page, 'be slow');
  await page.getByText('word2').waitFor();
  await page.keyboard.press('Escape');
  await waitForEnd(page);
  assert.match(await page.locator('.statistics').innerText(), /stopped/);
});

test('another answer is a variant beside the first', async () => {
  await say(page, 'Tell me a story');
  await page.getByRole('button', { name: 'Another answer' }).click();
  await waitForEnd(page);
  assert.equal(server.requests.length, 2);
  assert.deepEqual(server.requests[1], server.requests[0]);
  await page.getByText('2 / 2').waitFor();
  await page.getByRole('button', { name: 'The answer before' }).click();
  await page.getByText('1 / 2').waitFor();
  assert.ok(await page.getByRole('button', { name: 'The answer before' }).isDisabled());
});

test('an edited message is asked anew, without what followed it', async () => {
  await say(page, 'Tell me a story');
  await say(page, 'And a short one');
  await page.getByRole('article', { name: 'You' }).first().hover();
  await page.getByRole('button', { name: 'Edit the message' }).first().click();
  const editor = page.locator('.editor textarea');
  assert.equal(await editor.inputValue(), 'Tell me a story');
  await editor.fill('Explain a queue in markdown');
  await page.locator('.editor').getByRole('button', { name: 'Send' }).click();
  await waitForEnd(page);
  assert.deepEqual(lastRequest().messages, [
    { role: 'user', content: 'Explain a queue in markdown' },
  ]);
  assert.equal(await page.getByRole('article').count(), 2);
});

test('system prompt and knobs go into the request', async () => {
  await openSettings(page);
  await page.getByLabel('System prompt').fill('Be brief.');
  const knobs: Record<string, string> = {
    temperature: '0.7',
    top_p: '0.9',
    top_k: '40',
    min_p: '0.05',
    max_tokens: '128',
    seed: '7',
    presence_penalty: '0.5',
    frequency_penalty: '-0.5',
    repetition_penalty: '1.1',
  };
  for (const [name, value] of Object.entries(knobs)) {
    await page.getByLabel(name, { exact: true }).fill(value);
  }
  await page.getByLabel('stop', { exact: true }).fill('END\n\\n\\n');
  await page.getByText('10 settings changed').waitFor();
  await say(page, 'Tell me a story');
  const { messages, stream, stream_options, model, stop, ...numbers } = lastRequest();
  assert.deepEqual(messages[0], { role: 'system', content: 'Be brief.' });
  assert.deepEqual(stop, ['END', '\n\n']);
  assert.deepEqual(
    numbers,
    Object.fromEntries(Object.entries(knobs).map(([name, value]) => [name, Number(value)])),
  );
  await page.getByRole('button', { name: 'Reset' }).click();
  await say(page, 'Once more');
  assert.deepEqual(Object.keys(lastRequest()).sort(), [
    'messages',
    'model',
    'stream',
    'stream_options',
  ]);
  assertNoProblems();
});

test('a value out of its range is refused at the field and not sent', async () => {
  await openSettings(page);
  await page.getByLabel('temperature', { exact: true }).fill('5');
  await page.locator('.knob .field-error').waitFor();
  await page.getByLabel('top_k', { exact: true }).fill('1.5');
  await page.getByText('A whole number, please.').waitFor();
  await say(page, 'Tell me a story');
  assert.ok(!('temperature' in lastRequest()));
  assert.ok(!('top_k' in lastRequest()) || lastRequest()['top_k'] === 1);
});

test('several answers at once are variants', async () => {
  await openSettings(page);
  await page.getByLabel('n', { exact: true }).fill('3');
  await say(page, 'Tell me a story');
  assert.equal(lastRequest().n, 3);
  await page.getByText('1 / 3').waitFor();
  assert.match(await answerOf(page), /^\(1\)/);
  await page.getByRole('button', { name: 'The next answer' }).click();
  await page.getByText('2 / 3').waitFor();
  assert.match(await answerOf(page), /^\(2\)/);
});

test('the model can be chosen', async () => {
  await page.getByLabel('Model', { exact: true }).selectOption('paper-70b');
  await say(page, 'Tell me a story');
  assert.equal(lastRequest().model, 'paper-70b');
  await page.reload();
  await page.waitForFunction(
    () => document.querySelector<HTMLSelectElement>('.model-select')?.value === 'paper-70b',
  );
});

test('thoughts are shown apart from the answer, and closed when it begins', async () => {
  await say(page, 'What is 17 × 24?');
  assert.equal((await answerOf(page)).trim(), '17 × 24 is 408.');
  assert.equal(await page.locator('.thoughts').count(), 0);
  const button = page.getByRole('button', { name: /^Thought for/ });
  assert.equal(await button.getAttribute('aria-expanded'), 'false');
  await button.click();
  assert.match(await page.locator('.thoughts').innerText(), /340 \+ 68 = 408/);
  await say(page, 'And a short one');
  assert.equal(lastRequest().messages[1]!.content, '17 × 24 is **408**.');
});

test('a tool call is a card that the user answers', async () => {
  await page.getByRole('button', { name: 'Tools' }).click();
  await say(page, 'What is the weather in Lisbon?');
  assert.equal(lastRequest().tools!.length, 1);
  assert.equal(lastRequest()['tool_choice'], 'auto');
  const card = page.getByRole('region', { name: 'Call of get_weather' });
  assert.match(await card.innerText(), /"city": "Lisbon"/);
  await page.getByLabel('Message', { exact: true }).fill('Well?');
  assert.ok(await page.getByRole('button', { name: 'Send', exact: true }).isDisabled());
  await page.getByLabel('Result of get_weather').fill('{"sky": "clear"}');
  await page.getByRole('button', { name: 'Send the result' }).click();
  await page.getByText('Take a light jacket.').waitFor();
  assert.deepEqual(lastRequest().messages.slice(1), [
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        {
          id: 'call-0',
          type: 'function',
          function: { name: 'get_weather', arguments: '{"city": "Lisbon"}' },
        },
      ],
    },
    { role: 'tool', tool_call_id: 'call-0', content: '{"sky": "clear"}' },
  ]);
  assert.equal(await page.getByLabel('Result of get_weather').count(), 0);
  assertNoProblems();
});

test('tools that are no JSON are refused with the reason', async () => {
  await openSettings(page);
  await page.getByLabel('Tools as JSON').fill('[{]');
  await page.getByText('Not valid JSON').waitFor();
  await page.getByLabel('Offer them').check();
  await say(page, 'What is the weather?');
  assert.match(await page.getByRole('alert').innerText(), /Tools: Not valid JSON/);
  assert.equal(server.requests.length, 0);
});

test('tokens are tinted by their probability and tell the alternatives', async () => {
  await page.getByRole('button', { name: 'Probabilities' }).click();
  await say(page, 'Tell me a story');
  assert.equal(lastRequest().logprobs, true);
  assert.equal(lastRequest()['top_logprobs'], 5);
  const tokens = page.locator('.token');
  assert.ok((await tokens.count()) > 40);
  assert.match((await page.locator('.tokens').innerText()).trim(), /^A sheet of paper.*to be\.$/s);
  const tint = (text: string) =>
    tokens
      .filter({ hasText: text })
      .first()
      .evaluate((e) => getComputedStyle(e).backgroundColor);
  assert.notEqual(await tint('wonder'), await tint('paper'));
  await tokens.filter({ hasText: 'walked' }).hover();
  const popover = page.getByRole('tooltip');
  const rows = await popover.getByRole('row').allInnerTexts();
  assert.deepEqual(
    rows.map((row) => row.replace(/\s+/g, ' ')),
    ['␣walked 45.0 %', '␣perhaps 33.0 %', '␣a 16.5 %', '↵ 5.50 %'].map((row) =>
      row.replace('5.50', '5.5'),
    ),
  );
  await page.mouse.move(5, 400);
  await popover.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Probabilities' }).click();
  assert.equal(await tokens.count(), 0);
  assertNoProblems();
});

test('the arrow keys move between tokens', async () => {
  await page.getByRole('button', { name: 'Probabilities' }).click();
  await say(page, 'Tell me a story');
  await page.locator('.token').first().focus();
  await page.getByRole('tooltip').waitFor();
  for (let i = 0; i < 3; ++i) await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowLeft');
  const focused = await page.evaluate(() => document.activeElement!.textContent);
  assert.equal(focused, await page.locator('.token').nth(2).innerText());
  await page.keyboard.press('Escape');
  await page.getByRole('tooltip').waitFor({ state: 'detached' });
});

test('tokens that are parts of one character are shown as that character', async () => {
  await page.getByRole('button', { name: 'Probabilities' }).click();
  await say(page, 'an emoji');
  const plant = page.locator('.token').filter({ hasText: '🌱' });
  assert.equal(await plant.innerText(), '🌱');
  await plant.hover();
  const text = await page.getByRole('tooltip').innerText();
  assert.match(text, /⟨f0·9f⟩/);
  assert.match(text, /⟨8c·b1⟩/);
});

test('Markdown is drawn', async () => {
  await say(page, 'Explain a queue in markdown');
  const answer = page.locator('.markdown');
  assert.equal(await answer.getByRole('heading', { name: 'A queue in three lines' }).count(), 1);
  assert.equal(await answer.getByRole('listitem').count(), 2);
  assert.equal(await answer.getByRole('row').count(), 3);
  assert.match(
    await answer.locator('pre').innerText(),
    /^def step\(scheduler, model\):\n {4}output/,
  );
  const link = answer.getByRole('link', { name: 'the guide' });
  assert.equal(await link.getAttribute('rel'), 'noopener noreferrer nofollow');
  assert.equal(await link.getAttribute('target'), '_blank');
  assertNoProblems();
});

test('nothing that a model writes runs, loads or has a style', async () => {
  const outside: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(server.url)) outside.push(request.url());
  });
  await say(page, 'attack');
  const answer = page.locator('.markdown');
  assert.equal(await answer.locator('img, script, b, [style]').count(), 0);
  assert.equal(await answer.getByRole('link', { name: 'chart' }).count(), 1);
  assert.equal(await answer.locator('a', { hasText: 'bad' }).getAttribute('href'), null);
  assert.match(await answer.innerText(), /<img src=x onerror/);
  assert.equal(await page.evaluate(() => 'wasHit' in window), false);
  assert.deepEqual(outside, []);
  assertNoProblems();
});

test('an answer and its code can be copied', async () => {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await say(page, 'Explain a queue in markdown');
  await page.getByRole('button', { name: 'Copy the code' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  assert.match(await clipboard(), /^def step/);
  await page.getByRole('button', { name: 'Copy the answer' }).click();
  await page.waitForFunction(() =>
    navigator.clipboard.readText().then((text) => text.startsWith('## A queue')),
  );
});

test('a refusal is shown in the server’s words', async () => {
  await say(page, 'refuse this');
  const alert = page.getByRole('alert');
  assert.equal(await alert.innerText(), 'This model’s maximum context length is 4096 tokens.');
});

test('an answer that breaks off keeps its text and tells why', async () => {
  for (const [prompt, reason] of [
    ['die now', 'The engine died.'],
    ['cut it', /^The connection was lost\.$/],
  ] as const) {
    await say(page, prompt);
    const message = page.getByRole('article', { name: 'The model' }).last();
    assert.match(await message.innerText(), /It began/);
    const alert = await message.getByRole('alert').innerText();
    if (typeof reason === 'string') assert.equal(alert, reason);
    else assert.match(alert, reason);
  }
});

test('conversations survive a reload and can be deleted', async () => {
  await say(page, 'Tell me a story');
  await page.getByRole('button', { name: 'New chat' }).click();
  await page.getByText('You are talking to').waitFor();
  await say(page, 'And a short one');
  await page.reload();
  const list = page.getByRole('complementary', { name: 'Conversations' });
  const titles = () => list.locator('.conversation-title').allInnerTexts();
  assert.match(await answerOf(page), /^Too little/);
  assert.deepEqual(await titles(), ['And a short one', 'Tell me a story']);
  await list.getByRole('button', { name: 'Tell me a story', exact: true }).click();
  assert.match(await answerOf(page), /^A sheet of paper/);
  await list.getByRole('button', { name: 'Delete “Tell me a story”' }).click();
  await list.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText('You are talking to').waitFor();
  assert.deepEqual(await titles(), ['And a short one']);
  await page.reload();
  assert.deepEqual(await titles(), ['And a short one']);
});

test('two tabs see each other’s conversations', async () => {
  const other = await page.context().newPage();
  await other.goto(server.url);
  await say(page, 'Tell me a story');
  await other.getByRole('button', { name: 'Tell me a story', exact: true }).waitFor();
});

test('leaving a conversation stops its answer and keeps what was written', async () => {
  await send(page, 'be slow');
  await page.getByText('word2').waitFor();
  await page.getByRole('button', { name: 'New chat' }).click();
  await page.getByText('You are talking to').waitFor();
  await page.getByRole('button', { name: 'be slow', exact: true }).click();
  assert.match(await answerOf(page), /^word0 word1 word2/);
  await page.waitForTimeout(100);
  assert.equal(server.numAborted, 1);
});

test('Enter sends, Shift and Enter make a line, an empty message is not sent', async () => {
  const field = page.getByLabel('Message', { exact: true });
  await field.focus();
  await page.keyboard.press('Enter');
  assert.equal(server.requests.length, 0);
  await page.keyboard.type('one');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('two');
  await page.keyboard.press('Enter');
  await waitForEnd(page);
  assert.equal(lastRequest().messages[0]!.content, 'one\ntwo');
  assert.equal(await field.inputValue(), '');
});

test('a long answer stays in view until the user scrolls away', async () => {
  await say(page, 'be long');
  const distance = () =>
    page
      .locator('.transcript')
      .evaluate((e) => Math.round(e.scrollHeight - e.scrollTop - e.clientHeight));
  assert.ok((await distance()) <= 1);
  await page.locator('.transcript').evaluate((e) => (e.scrollTop = 0));
  await page.getByRole('button', { name: 'To the latest message' }).click();
  assert.ok((await distance()) <= 1);
});

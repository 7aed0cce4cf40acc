import type { Page } from 'playwright-core';
import type { MockServer } from './mock_server';

/** Types a message and sends it. */
export async function send(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message', { exact: true }).fill(text);
  await page.getByLabel('Message', { exact: true }).press('Enter');
}

/** Until no answer is being written. */
export async function waitForEnd(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Send', exact: true }).first().waitFor();
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
}

export async function say(page: Page, text: string): Promise<void> {
  const before = await page.getByRole('article', { name: 'The model' }).count();
  await send(page, text);
  await page.getByRole('article', { name: 'The model' }).nth(before).waitFor();
  await waitForEnd(page);
}

/** The text of the latest answer. */
export function answerOf(page: Page): Promise<string> {
  return page.locator('.message.assistant .markdown').last().innerText();
}

export async function openSettings(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
}

export async function openDashboard(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Dashboard' }).click();
}

/** Lets seconds pass on the page's clock, each with its reading of /metrics. */
export async function pass(page: Page, server: MockServer, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; ++second) {
    const before = server.numPolls;
    await page.clock.runFor(1000);
    const deadline = Date.now() + 5000;
    while (server.numPolls === before) {
      if (Date.now() > deadline) throw new Error('the page does not ask for /metrics');
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await page.evaluate(() => fetch('version').then((response) => response.text()));
  }
  await page.waitForTimeout(30);
}

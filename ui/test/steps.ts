import type { Page } from 'playwright-core';

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

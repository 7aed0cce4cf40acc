import type { Conversation } from './conversation';
import { DEFAULT_SETTINGS, type Settings } from './settings';

// One key for each conversation, so that two tabs do not overwrite each other's.
const CONVERSATION = 'quire.conversation.';
const SETTINGS = 'quire.settings';
const API_KEY = 'quire.api-key';

function read(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null');
  } catch {
    return null; // storage is forbidden, or holds something else
  }
}

/** Whether it was stored; not when the storage is full or forbidden. */
function write(key: string, value: unknown): boolean {
  try {
    localStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

function isConversation(value: unknown): value is Conversation {
  const found = value as Partial<Conversation> | null;
  return typeof found?.id === 'string' && Array.isArray(found.turns);
}

/** All conversations, the latest first. */
export function loadConversations(): Conversation[] {
  let keys: string[] = [];
  try {
    keys = Object.keys(localStorage);
  } catch {
    return [];
  }
  return keys
    .filter((key) => key.startsWith(CONVERSATION))
    .map(read)
    .filter(isConversation)
    .sort((a, b) => b.updatedAt - a.updatedAt);
}

/** Stores a conversation, at need without its token probabilities; whether it fitted. */
export function saveConversation(conversation: Conversation): boolean {
  const key = CONVERSATION + conversation.id;
  return write(key, conversation) || write(key, withoutTokens(conversation));
}

function withoutTokens(conversation: Conversation): Conversation {
  const turns = conversation.turns.map((turn) =>
    turn.role === 'user'
      ? turn
      : { ...turn, variants: turn.variants.map((answer) => ({ ...answer, tokens: [] })) },
  );
  return { ...conversation, turns };
}

export function removeConversation(id: string): void {
  localStorage.removeItem(CONVERSATION + id);
}

/** Calls back when another tab changed a conversation. */
export function onConversationsChanged(callback: () => void): void {
  addEventListener('storage', ({ key }) => {
    if (key === null || key.startsWith(CONVERSATION)) callback();
  });
}

export function loadSettings(): Settings {
  const found = (read(SETTINGS) ?? {}) as Partial<Settings>;
  return {
    ...DEFAULT_SETTINGS,
    ...found,
    sampling: { ...DEFAULT_SETTINGS.sampling, ...found.sampling },
  };
}

export function saveSettings(settings: Settings): void {
  write(SETTINGS, settings);
}

/** The API key lives as long as the tab, or longer when the user wants it remembered. */
export function loadApiKey(): { key: string; isRemembered: boolean } {
  try {
    const remembered = localStorage.getItem(API_KEY);
    return {
      key: remembered ?? sessionStorage.getItem(API_KEY) ?? '',
      isRemembered: remembered !== null,
    };
  } catch {
    return { key: '', isRemembered: false };
  }
}

export function saveApiKey(key: string, isRemembered: boolean): void {
  try {
    localStorage.removeItem(API_KEY);
    sessionStorage.removeItem(API_KEY);
    if (key) (isRemembered ? localStorage : sessionStorage).setItem(API_KEY, key);
  } catch {
    // Storage is forbidden: the key lives until the page is closed.
  }
}

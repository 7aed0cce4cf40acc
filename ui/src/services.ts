import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { Poller } from './dashboard/poller';
import { Chat } from './state/chat';
import { Server } from './state/server';
import type { Settings } from './state/settings';
import { loadSettings, onConversationsChanged, saveSettings } from './state/storage';
import { Store } from './state/store';

/** What lives as long as the page. */
export interface Services {
  settings: Store<Settings>;
  server: Server;
  chat: Chat;
  poller: Poller;
}

export function makeServices(): Services {
  const settings = new Store<Settings>(loadSettings());
  settings.subscribe(() => saveSettings(settings.value));
  const server = new Server(settings);
  const chat = new Chat(settings, server);
  onConversationsChanged(() => chat.reload());
  return { settings, server, chat, poller: new Poller() };
}

export const ServicesContext = createContext<Services | null>(null);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (!services) throw new Error('the services are missing');
  return services;
}

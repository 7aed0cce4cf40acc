import { ApiError, fetchModels, fetchVersion, type Model } from '../api/client';
import type { Settings } from './settings';
import { loadApiKey, saveApiKey } from './storage';
import { Store } from './store';

export interface ServerState {
  models: Model[];
  version: string | null;
  error: string | null; // why there are no models
  needsKey: boolean;
  apiKey: string;
  isKeyRemembered: boolean;
}

/** What the page knows of the server behind it. */
export class Server {
  readonly store: Store<ServerState>;

  constructor(private readonly settings: Store<Settings>) {
    const { key, isRemembered } = loadApiKey();
    this.store = new Store<ServerState>({
      models: [],
      version: null,
      error: null,
      needsKey: false,
      apiKey: key,
      isKeyRemembered: isRemembered,
    });
  }

  apiKey(): string {
    return this.store.value.apiKey;
  }

  /** The chosen model when the server has it, else the server's first. */
  model(): string {
    const { models } = this.store.value;
    const chosen = this.settings.value.model;
    return models.find(({ id }) => id === chosen)?.id ?? models[0]?.id ?? chosen;
  }

  setApiKey(apiKey: string, isKeyRemembered: boolean): void {
    saveApiKey(apiKey, isKeyRemembered);
    this.store.update({ apiKey, isKeyRemembered });
  }

  askForKey(): void {
    this.store.update({ needsKey: true });
  }

  /** Asks for the models; sets `error` when they cannot be had. */
  async connect(): Promise<void> {
    void fetchVersion().then((version) => this.store.update({ version }));
    try {
      const models = await fetchModels(this.apiKey());
      this.store.update({ models, error: null, needsKey: false });
    } catch (thrown) {
      const needsKey = thrown instanceof ApiError && thrown.status === 401;
      this.store.update({ models: [], error: (thrown as Error).message, needsKey });
    }
  }
}

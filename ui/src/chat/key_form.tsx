import { useState } from 'preact/hooks';
import { useServices } from '../services';
import { useStore } from '../state/store';

/** Asks for the API key that the server wants. */
export function KeyForm() {
  const { server } = useServices();
  const { apiKey, isKeyRemembered } = useStore(server.store);
  const [key, setKey] = useState(apiKey);
  const [isRemembered, setRemembered] = useState(isKeyRemembered);
  const save = (event: Event) => {
    event.preventDefault();
    server.setApiKey(key.trim(), isRemembered);
    void server.connect();
  };
  return (
    <form class="notice key-form" onSubmit={save}>
      <label for="api-key">
        {apiKey ? 'The server does not accept this API key.' : 'This server asks for an API key.'}
      </label>
      <div class="row">
        <input
          id="api-key"
          type="password"
          autocomplete="off"
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
        />
        <button type="submit" class="button primary" disabled={!key.trim()}>
          Connect
        </button>
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked={isRemembered}
          onChange={(event) => setRemembered(event.currentTarget.checked)}
        />
        Remember it in this browser
      </label>
    </form>
  );
}

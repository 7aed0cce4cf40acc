import { useState } from 'preact/hooks';
import { useServices } from '../services';
import { DEFAULT_SAMPLING, EXAMPLE_TOOLS, numChanged, parseTools } from '../state/settings';
import { useStore } from '../state/store';
import { IconButton } from '../widgets/buttons';
import { SamplingFields } from './sampling_fields';

export function SettingsPanel({ onClose }: { onClose: () => void }) {
  return (
    <div class="settings">
      <header>
        <h2>Settings</h2>
        <IconButton icon="close" label="Close the settings" onClick={onClose} />
      </header>
      <SystemPrompt />
      <SamplingSection />
      <Tools />
      <ApiKey />
    </div>
  );
}

function SystemPrompt() {
  const { chat } = useServices();
  const { current } = useStore(chat.store);
  return (
    <section>
      <label class="title" for="system-prompt">
        System prompt
      </label>
      <textarea
        id="system-prompt"
        rows={3}
        placeholder="How the model should behave"
        value={current.systemPrompt}
        onInput={(event) => chat.setSystemPrompt(event.currentTarget.value)}
      />
    </section>
  );
}

function SamplingSection() {
  const { settings } = useServices();
  const { sampling } = useStore(settings);
  return (
    <section>
      <div class="row spread">
        <h3 class="title">Sampling</h3>
        <button
          type="button"
          class="button small quiet"
          disabled={numChanged(sampling) === 0}
          onClick={() => settings.update({ sampling: DEFAULT_SAMPLING })}
        >
          Reset
        </button>
      </div>
      <p class="hint">An empty field is left to the server.</p>
      <SamplingFields />
    </section>
  );
}

function Tools() {
  const { settings } = useServices();
  const { tools, usesTools, toolChoice } = useStore(settings);
  const { error } = parseTools(tools);
  return (
    <section>
      <div class="row spread">
        <h3 class="title">Tools</h3>
        <label class="check">
          <input
            type="checkbox"
            checked={usesTools}
            onChange={(event) => settings.update({ usesTools: event.currentTarget.checked })}
          />
          Offer them
        </label>
      </div>
      <textarea
        class="code-area"
        aria-label="Tools as JSON"
        aria-invalid={error !== null}
        aria-describedby="tools-error"
        rows={9}
        spellcheck={false}
        value={tools}
        onInput={(event) => settings.update({ tools: event.currentTarget.value })}
      />
      <p id="tools-error" class="field-error" role="status">
        {error}
      </p>
      <div class="row spread">
        <label class="inline">
          <span>tool_choice</span>
          <select
            value={toolChoice}
            onChange={(event) =>
              settings.update({ toolChoice: event.currentTarget.value as 'auto' | 'none' })
            }
          >
            <option value="auto">auto</option>
            <option value="none">none</option>
          </select>
        </label>
        <button
          type="button"
          class="button small quiet"
          disabled={tools === EXAMPLE_TOOLS}
          onClick={() => settings.update({ tools: EXAMPLE_TOOLS })}
        >
          Example
        </button>
      </div>
    </section>
  );
}

function ApiKey() {
  const { server } = useServices();
  const { apiKey, isKeyRemembered } = useStore(server.store);
  const [typed, setTyped] = useState(apiKey);
  const keep = (key: string, isRemembered: boolean) => {
    server.setApiKey(key.trim(), isRemembered);
    void server.connect();
  };
  return (
    <section>
      <label class="title" for="settings-api-key">
        API key
      </label>
      <input
        id="settings-api-key"
        type="password"
        autocomplete="off"
        placeholder="When the server wants one"
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onChange={() => keep(typed, isKeyRemembered)}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={isKeyRemembered}
          onChange={(event) => keep(typed, event.currentTarget.checked)}
        />
        Remember it in this browser
      </label>
    </section>
  );
}

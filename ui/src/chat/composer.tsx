import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useServices } from '../services';
import { awaitsToolResults } from '../state/conversation';
import { numChanged, parseTools } from '../state/settings';
import { useStore } from '../state/store';
import { Chip } from '../widgets/buttons';
import { Icon } from '../widgets/icon';

const MAX_HEIGHT_PX = 240;

interface ComposerProps {
  onSend: (text: string) => void;
  onOpenSettings: () => void;
}

export function Composer({ onSend, onOpenSettings }: ComposerProps) {
  const { chat } = useServices();
  const { current, generatingTurn } = useStore(chat.store);
  const [text, setText] = useState('');
  const area = useRef<HTMLTextAreaElement>(null);
  const isGenerating = generatingTurn !== null;
  const isToolTurn = !isGenerating && awaitsToolResults(current);
  const canSend = text.trim() !== '' && !isGenerating && !isToolTurn;

  useEffect(() => {
    // A keyboard on the screen would cover the conversation.
    if (matchMedia('(hover: hover)').matches) area.current?.focus();
  }, [current.id]);
  useLayoutEffect(() => {
    const element = area.current!;
    element.style.height = 'auto';
    element.style.height = `${Math.min(element.scrollHeight, MAX_HEIGHT_PX)}px`;
  }, [text]);

  const send = () => {
    if (!canSend) return;
    onSend(text.trim());
    setText('');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    }
    if (event.key === 'Escape' && isGenerating) chat.stop();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={area}
        rows={1}
        value={text}
        aria-label="Message"
        placeholder={isToolTurn ? 'Answer the tool call above first' : 'Write a message'}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <div class="composer-row">
        <Choices onOpenSettings={onOpenSettings} />
        {isGenerating ? (
          <button type="button" class="send" aria-label="Stop" onClick={() => chat.stop()}>
            <Icon name="stop" />
          </button>
        ) : (
          <button type="submit" class="send" aria-label="Send" disabled={!canSend}>
            <Icon name="send" />
          </button>
        )}
      </div>
    </form>
  );
}

/** The model, and the switches that one wants at hand. */
function Choices({ onOpenSettings }: { onOpenSettings: () => void }) {
  const { settings, server } = useServices();
  const { models } = useStore(server.store);
  const { showsProbabilities, usesTools, tools, sampling } = useStore(settings);
  const changed = numChanged(sampling);
  const toggleTools = () => {
    if (!usesTools && parseTools(tools).error !== null) onOpenSettings();
    settings.update({ usesTools: !usesTools });
  };
  return (
    <div class="choices">
      <select
        class="model-select"
        aria-label="Model"
        value={server.model()}
        disabled={models.length === 0}
        onChange={(event) => settings.update({ model: event.currentTarget.value })}
      >
        {models.length === 0 && <option value="">no model</option>}
        {models.map(({ id }) => (
          <option key={id} value={id}>
            {id}
          </option>
        ))}
      </select>
      <Chip
        icon="tint"
        isOn={showsProbabilities}
        onToggle={() => settings.update({ showsProbabilities: !showsProbabilities })}
      >
        Probabilities
      </Chip>
      <Chip icon="tool" isOn={usesTools} onToggle={toggleTools}>
        Tools
      </Chip>
      {changed > 0 && (
        <button type="button" class="chip quiet" onClick={onOpenSettings}>
          {changed} {changed === 1 ? 'setting' : 'settings'} changed
        </button>
      )}
    </div>
  );
}

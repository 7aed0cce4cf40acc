import { useState } from 'preact/hooks';
import { useServices } from '../services';
import type { Conversation } from '../state/conversation';
import { useStore } from '../state/store';
import { IconButton } from '../widgets/buttons';
import { Icon } from '../widgets/icon';

export function ConversationList({ onChosen }: { onChosen: () => void }) {
  const { chat, server } = useServices();
  const { conversations, current, isStorageFull } = useStore(chat.store);
  const { version, models, error } = useStore(server.store);
  const choose = (action: () => void) => () => {
    action();
    onChosen();
  };
  return (
    <div class="conversations">
      <button type="button" class="button new-chat" onClick={choose(() => chat.startNew())}>
        <Icon name="add" />
        New chat
      </button>
      <ul class="conversation-list">
        {conversations.map((each) => (
          <Item
            key={each.id}
            conversation={each}
            isCurrent={each.id === current.id}
            onOpen={choose(() => chat.open(each.id))}
            onRemove={() => chat.remove(each.id)}
          />
        ))}
      </ul>
      {conversations.length === 0 && (
        <p class="hint">Conversations are kept in this browser, and nowhere else.</p>
      )}
      {isStorageFull && (
        <p class="notice" role="alert">
          This browser’s storage is full: the latest answer was not kept. Delete conversations to
          make room.
        </p>
      )}
      <p class="connection">
        <span class={`dot ${error === null && models.length > 0 ? 'good' : 'bad'}`} />
        {error === null ? `quire ${version ?? ''}` : 'Not connected'}
      </p>
    </div>
  );
}

interface ItemProps {
  conversation: Conversation;
  isCurrent: boolean;
  onOpen: () => void;
  onRemove: () => void;
}

function Item({ conversation, isCurrent, onOpen, onRemove }: ItemProps) {
  const [isAsking, setAsking] = useState(false);
  const title = conversation.title || 'Untitled';
  return (
    <li class={`conversation ${isCurrent ? 'current' : ''}`}>
      <button
        type="button"
        class="conversation-title"
        aria-current={isCurrent ? 'true' : undefined}
        onClick={onOpen}
      >
        {title}
      </button>
      {isAsking ? (
        <button
          type="button"
          class="button danger small"
          ref={(button) => button?.focus()}
          onClick={onRemove}
          onBlur={() => setAsking(false)}
        >
          Delete
        </button>
      ) : (
        <IconButton icon="trash" label={`Delete “${title}”`} onClick={() => setAsking(true)} />
      )}
    </li>
  );
}

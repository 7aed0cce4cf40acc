import { useState } from 'preact/hooks';
import { useServices } from '../services';
import type { UserTurn } from '../state/conversation';
import { CopyButton, IconButton } from '../widgets/buttons';

export function UserMessage({ turn }: { turn: UserTurn }) {
  const [isEditing, setEditing] = useState(false);
  return (
    <article class="message user" aria-label="You">
      {isEditing ? (
        <Editor turn={turn} onDone={() => setEditing(false)} />
      ) : (
        <>
          <div class="bubble">{turn.content}</div>
          <div class="actions">
            <CopyButton text={turn.content} label="Copy the message" />
            <IconButton icon="edit" label="Edit the message" onClick={() => setEditing(true)} />
          </div>
        </>
      )}
    </article>
  );
}

function Editor({ turn, onDone }: { turn: UserTurn; onDone: () => void }) {
  const { chat } = useServices();
  const [text, setText] = useState(turn.content);
  const save = () => {
    onDone();
    chat.edit(turn.id, text.trim());
  };
  return (
    <form
      class="editor"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <textarea
        aria-label="Message"
        rows={Math.min(12, text.split('\n').length + 1)}
        value={text}
        autofocus
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Escape' && onDone()}
      />
      <div class="row end">
        <span class="hint">What follows is asked anew.</span>
        <button type="button" class="button" onClick={onDone}>
          Cancel
        </button>
        <button type="submit" class="button primary" disabled={!text.trim()}>
          Send
        </button>
      </div>
    </form>
  );
}

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useServices } from '../services';
import { selectedAnswer } from '../state/conversation';
import { useStore } from '../state/store';
import { IconButton } from '../widgets/buttons';
import { AssistantMessage } from './assistant_message';
import { Composer } from './composer';
import { KeyForm } from './key_form';
import { UserMessage } from './user_message';

const NEAR_END_PX = 64;

const EXAMPLES = [
  'Hello, who are you?',
  'Tell me a short story.',
  'I am hungry.',
  'What is the capital of France?',
];

export function ChatView({ onOpenSettings }: { onOpenSettings: () => void }) {
  const { chat, server } = useServices();
  const { current, generatingTurn } = useStore(chat.store);
  const { error, needsKey } = useStore(server.store);
  const transcript = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);

  const toEnd = () => {
    const element = transcript.current;
    if (element) element.scrollTop = element.scrollHeight;
  };
  useEffect(() => setAtEnd(true), [current.id]);
  useLayoutEffect(() => {
    if (isAtEnd) toEnd();
  });
  const onScroll = () => {
    const { scrollTop, clientHeight, scrollHeight } = transcript.current!;
    setAtEnd(scrollTop + clientHeight >= scrollHeight - NEAR_END_PX);
  };

  return (
    <div class="chat">
      <div class="transcript" ref={transcript} onScroll={onScroll}>
        <div class="column">
          {current.turns.length === 0 ? (
            <Welcome />
          ) : (
            <h1 class="visually-hidden">{current.title}</h1>
          )}
          {current.turns.map((turn) =>
            turn.role === 'user' ? (
              <UserMessage key={turn.id} turn={turn} />
            ) : (
              <AssistantMessage
                key={turn.id}
                turn={turn}
                isGenerating={turn.id === generatingTurn}
                isLast={turn === current.turns.at(-1)}
              />
            ),
          )}
        </div>
      </div>
      <div class="column dock">
        {!isAtEnd && (
          <IconButton class="to-end" icon="down" label="To the latest message" onClick={toEnd} />
        )}
        {needsKey ? <KeyForm /> : error !== null && <Disconnected message={error} />}
        <Composer
          onOpenSettings={onOpenSettings}
          onSend={(text) => {
            setAtEnd(true);
            chat.send(text);
          }}
        />
      </div>
      <Announcer />
    </div>
  );
}

function Welcome() {
  const { chat, server } = useServices();
  const { models } = useStore(server.store);
  return (
    <section class="welcome">
      <h1>What shall we write?</h1>
      <p>
        {models.length > 0 ? (
          <>
            You are talking to <strong>{server.model()}</strong>, served by quire.
          </>
        ) : (
          'A page to talk to the model that quire serves.'
        )}
      </p>
      <ul class="examples">
        {EXAMPLES.map((example) => (
          <li key={example}>
            <button type="button" class="example" onClick={() => chat.send(example)}>
              {example}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Disconnected({ message }: { message: string }) {
  const { server } = useServices();
  return (
    <div class="notice bad" role="alert">
      <p>{message}</p>
      <button type="button" class="button small" onClick={() => void server.connect()}>
        Try again
      </button>
    </div>
  );
}

/** Tells users of screen readers when an answer begins and ends, and not every word of it. */
function Announcer() {
  const { chat } = useServices();
  const { current, generatingTurn } = useStore(chat.store);
  const last = current.turns.at(-1);
  const answer = last?.role === 'assistant' ? selectedAnswer(last) : null;
  const text = generatingTurn
    ? 'The model is answering.'
    : answer?.error
      ? 'The answer failed.'
      : answer?.toolCalls.some(({ result }) => result === null)
        ? 'The model calls a tool.'
        : answer
          ? 'The answer is complete.'
          : '';
  return (
    <p class="visually-hidden" role="status">
      {text}
    </p>
  );
}

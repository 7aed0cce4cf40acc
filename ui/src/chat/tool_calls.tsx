import { useState } from 'preact/hooks';
import { useServices } from '../services';
import type { AssistantTurn, ToolCall } from '../state/conversation';
import { CopyButton } from '../widgets/buttons';
import { Icon } from '../widgets/icon';

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json; // still being written, or not JSON
  }
}

interface ToolCallsProps {
  turn: AssistantTurn;
  calls: ToolCall[];
  canAnswer: boolean;
}

/** What the model wants to be called, and a place to answer in the tools' stead. */
export function ToolCalls({ turn, calls, canAnswer }: ToolCallsProps) {
  const { chat } = useServices();
  const [results, setResults] = useState<string[]>([]);
  const isOpen = canAnswer && calls.some(({ result }) => result === null);
  const setResult = (index: number, text: string) =>
    setResults(calls.map((_, i) => (i === index ? text : (results[i] ?? ''))));
  return (
    <form
      class="tool-calls"
      onSubmit={(event) => {
        event.preventDefault();
        chat.answerTools(turn, results);
      }}
    >
      {calls.map((call, index) => (
        <section key={call.id || index} class="tool-call" aria-label={`Call of ${call.name}`}>
          <header>
            <Icon name="tool" />
            <code>{call.name}</code>
            <CopyButton text={call.arguments} label="Copy the arguments" />
          </header>
          <pre tabIndex={0}>{pretty(call.arguments)}</pre>
          {call.result !== null && (
            <div class="tool-result">
              <span class="label">Result</span>
              <pre tabIndex={0}>{pretty(call.result)}</pre>
            </div>
          )}
          {isOpen && (
            <textarea
              aria-label={`Result of ${call.name}`}
              placeholder="What the tool returns, as text or JSON"
              rows={2}
              value={results[index] ?? ''}
              onInput={(event) => setResult(index, event.currentTarget.value)}
            />
          )}
        </section>
      ))}
      {isOpen && (
        <button type="submit" class="button primary">
          {calls.length === 1 ? 'Send the result' : 'Send the results'}
        </button>
      )}
    </form>
  );
}

import { useServices } from '../services';
import { selectedAnswer, type Answer, type AssistantTurn } from '../state/conversation';
import { useStore } from '../state/store';
import { CopyButton, IconButton } from '../widgets/buttons';
import { Icon } from '../widgets/icon';
import { Markdown } from './markdown_view';
import { Reasoning } from './reasoning';
import { describe } from './statistics';
import { TokenText } from './token_text';
import { ToolCalls } from './tool_calls';

interface AssistantMessageProps {
  turn: AssistantTurn;
  isGenerating: boolean;
  isLast: boolean;
}

export function AssistantMessage({ turn, isGenerating, isLast }: AssistantMessageProps) {
  const { settings } = useServices();
  const { showsProbabilities } = useStore(settings);
  const answer = selectedAnswer(turn);
  const isWriting = isGenerating && answer.finishReason === null;
  const isSilent = !answer.content && !answer.reasoning && answer.toolCalls.length === 0;
  return (
    <article class="message assistant" aria-label="The model" aria-busy={isWriting}>
      {answer.reasoning && (
        <Reasoning
          text={answer.reasoning}
          isThinking={isWriting && !answer.content && answer.toolCalls.length === 0}
          thoughtMs={answer.timing.thoughtMs}
        />
      )}
      {isWriting && isSilent && <Waiting />}
      {showsProbabilities && answer.tokens.length > 0 ? (
        <TokenText tokens={answer.tokens} />
      ) : (
        <Markdown text={answer.content} isWriting={isWriting && !isSilent} />
      )}
      {answer.toolCalls.length > 0 && (
        <ToolCalls turn={turn} calls={answer.toolCalls} canAnswer={isLast && !isGenerating} />
      )}
      {answer.error !== null && (
        <div class="notice bad" role="alert">
          <Icon name="error" />
          <p>{answer.error}</p>
        </div>
      )}
      {!isWriting && <Footer turn={turn} answer={answer} isGenerating={isGenerating} />}
    </article>
  );
}

function Waiting() {
  return (
    <p class="waiting" aria-hidden="true">
      <span />
      <span />
      <span />
    </p>
  );
}

interface FooterProps {
  turn: AssistantTurn;
  answer: Answer;
  isGenerating: boolean;
}

function Footer({ turn, answer, isGenerating }: FooterProps) {
  const { chat } = useServices();
  return (
    <footer class="message-footer">
      <div class="actions">
        {turn.variants.length > 1 && <Variants turn={turn} />}
        {answer.content && <CopyButton text={answer.content} label="Copy the answer" />}
        {!isGenerating && (
          <IconButton
            icon="retry"
            label="Another answer"
            onClick={() => chat.regenerate(turn.id)}
          />
        )}
      </div>
      <p class="statistics">{describe(answer)}</p>
    </footer>
  );
}

function Variants({ turn }: { turn: AssistantTurn }) {
  const { chat } = useServices();
  const { selected, variants } = turn;
  return (
    <div class="variants" role="group" aria-label="Answers">
      <IconButton
        icon="previous"
        label="The answer before"
        isDisabled={selected === 0}
        onClick={() => chat.select(turn, selected - 1)}
      />
      <span>
        {selected + 1} / {variants.length}
      </span>
      <IconButton
        icon="next"
        label="The next answer"
        isDisabled={selected === variants.length - 1}
        onClick={() => chat.select(turn, selected + 1)}
      />
    </div>
  );
}

import { useState } from 'preact/hooks';
import { Icon } from '../widgets/icon';
import { seconds } from './statistics';

interface ReasoningProps {
  text: string;
  isThinking: boolean;
  thoughtMs: number | null;
}

/** The model's thoughts: open while it thinks, closed after, and as the user wants it. */
export function Reasoning({ text, isThinking, thoughtMs }: ReasoningProps) {
  const [chosen, setChosen] = useState<boolean | null>(null);
  const isOpen = chosen ?? isThinking;
  return (
    <section class="reasoning">
      <button type="button" aria-expanded={isOpen} onClick={() => setChosen(!isOpen)}>
        <Icon name="thought" />
        <span class={isThinking ? 'shimmer' : ''}>
          {isThinking
            ? 'Thinking'
            : thoughtMs === null
              ? 'Thoughts'
              : `Thought for ${seconds(thoughtMs)}`}
        </span>
        <Icon name="next" />
      </button>
      {isOpen && <div class="thoughts">{text.trim()}</div>}
    </section>
  );
}

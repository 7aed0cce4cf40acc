import { useMemo } from 'preact/hooks';
import { CopyButton } from '../widgets/buttons';
import { blocksOf, htmlOf, type Block } from './markdown';

export function Markdown({ text, isWriting }: { text: string; isWriting: boolean }) {
  const blocks = useMemo(() => blocksOf(text), [text]);
  return (
    <div class={`markdown ${isWriting ? 'writing' : ''}`}>
      {blocks.map((block, index) => (
        <BlockView key={index} block={block} />
      ))}
    </div>
  );
}

/** Drawn again only when its own text changes, so that what is above stays selected. */
function BlockView({ block }: { block: Block }) {
  return useMemo(
    () =>
      block.code ? (
        <Code {...block.code} />
      ) : (
        <div class="block" dangerouslySetInnerHTML={{ __html: htmlOf(block) }} />
      ),
    [block.raw],
  );
}

function Code({ language, text }: { language: string; text: string }) {
  return (
    <figure class="code">
      <figcaption>
        <span>{language || 'text'}</span>
        <CopyButton text={text} label="Copy the code" />
      </figcaption>
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </figure>
  );
}

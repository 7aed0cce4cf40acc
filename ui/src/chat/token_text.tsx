import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import type { Alternative, Token } from '../state/conversation';
import { groupTokens, percent, visible, type TokenGroup } from './tokens';

const DOUBTFUL = 0.5; // below it, a token is marked by more than its colour
const GAP_PX = 8;

/** Text whose tokens are tinted by their probability and tell the alternatives on hover or focus. */
export function TokenText({ tokens }: { tokens: Token[] }) {
  const groups = useMemo(() => groupTokens(tokens), [tokens]);
  const [active, setActive] = useState<{ index: number; rect: DOMRect } | null>(null);
  const container = useRef<HTMLDivElement>(null);
  const popoverId = useId();

  const show = (event: Event) => {
    const token = (event.target as Element).closest<HTMLElement>('[data-index]');
    if (!token) return;
    setActive({
      index: Number(token.dataset['index']),
      rect: token.getClientRects()[0] ?? token.getBoundingClientRect(),
    });
  };
  const hide = () => setActive(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === 'Escape') hide();
    if (step === undefined) return;
    event.preventDefault();
    const spans = container.current!.querySelectorAll<HTMLElement>('[data-index]');
    spans[Math.min(Math.max((active?.index ?? 0) + step, 0), spans.length - 1)]?.focus();
  };
  useEffect(() => {
    if (!active) return;
    addEventListener('scroll', hide, { capture: true, passive: true });
    return () => removeEventListener('scroll', hide, { capture: true });
  }, [active]);

  const spans = useMemo(
    () =>
      groups.map((group, index) => (
        <span
          key={index}
          data-index={index}
          class={`token ${group.probability < DOUBTFUL ? 'doubtful' : ''}`}
          tabIndex={index === 0 ? 0 : -1}
          aria-describedby={popoverId}
          style={{ '--p': group.probability.toFixed(3) }}
        >
          {group.text}
        </span>
      )),
    [groups],
  );
  const group = active && groups[active.index];
  return (
    <div
      ref={container}
      class="tokens"
      role="group"
      aria-label="The answer’s tokens; the arrow keys move between them"
      onPointerOver={show}
      onPointerLeave={hide}
      onFocusIn={show}
      onFocusOut={hide}
      onKeyDown={onKeyDown}
    >
      {spans}
      {group && <Popover id={popoverId} group={group} rect={active.rect} />}
    </div>
  );
}

function Popover({ id, group, rect }: { id: string; group: TokenGroup; rect: DOMRect }) {
  const popover = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ left: 0, top: -9999 });
  useEffect(() => {
    const { width, height } = popover.current!.getBoundingClientRect();
    const left = rect.left + rect.width / 2 - width / 2;
    const above = rect.top - height - GAP_PX;
    setPlace({
      left: Math.min(Math.max(left, GAP_PX), innerWidth - width - GAP_PX),
      top: above >= GAP_PX ? above : rect.bottom + GAP_PX,
    });
  }, [group, rect]);
  return (
    <div
      id={id}
      ref={popover}
      class="token-popover"
      role="tooltip"
      style={{ left: `${place.left}px`, top: `${place.top}px` }}
    >
      {group.tokens.map((token, index) => (
        <Alternatives key={index} token={token} />
      ))}
    </div>
  );
}

/** The likeliest tokens of one position, with the chosen one among them. */
function Alternatives({ token }: { token: Token }) {
  const isListed = token.alternatives.some(({ text }) => text === token.text);
  const rows: Alternative[] = isListed ? token.alternatives : [token, ...token.alternatives];
  return (
    <table>
      <caption class="visually-hidden">Likely here</caption>
      <tbody>
        {rows.map((row, index) => (
          <tr key={index} class={row.text === token.text ? 'chosen' : ''}>
            <th scope="row">
              <code>{visible(row.text)}</code>
            </th>
            <td class="bar">
              <span style={{ '--p': Math.exp(row.logprob).toFixed(3) }} />
            </td>
            <td class="number">{percent(Math.exp(row.logprob))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

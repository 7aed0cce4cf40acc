import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Icon, type IconName } from './icon';

interface IconButtonProps {
  icon: IconName;
  label: string; // its accessible name, shown as a hint
  onClick: () => void;
  isPressed?: boolean;
  isDisabled?: boolean;
  class?: string;
}

export function IconButton(props: IconButtonProps) {
  return (
    <button
      type="button"
      class={`icon-button ${props.class ?? ''}`}
      aria-label={props.label}
      aria-pressed={props.isPressed}
      title={props.label}
      disabled={props.isDisabled}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}

const COPIED_MS = 1500;

/** Without https there is no clipboard but the old way. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'visually-hidden';
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand('copy');
    area.remove();
    return isCopied;
  }
}

export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <IconButton
      icon={isCopied ? 'check' : 'copy'}
      label={isCopied ? 'Copied' : label}
      onClick={() => void copy(text).then(setCopied)}
    />
  );
}

/** A switch that looks like a small label. */
export function Chip(props: {
  icon: IconName;
  isOn: boolean;
  onToggle: () => void;
  children: ComponentChildren;
}) {
  return (
    <button type="button" class="chip" aria-pressed={props.isOn} onClick={props.onToggle}>
      <Icon name={props.icon} />
      <span>{props.children}</span>
    </button>
  );
}

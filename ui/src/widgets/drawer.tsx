import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

interface DrawerProps {
  side: 'left' | 'right';
  label: string;
  isDocked: boolean; // beside the content, else over it
  isOpen: boolean;
  onClose: () => void;
  children: ComponentChildren;
}

/** A panel at a side: a part of the page where there is room, else a dialog over it. */
export function Drawer({ side, label, isDocked, isOpen, onClose, children }: DrawerProps) {
  if (!isOpen) return null;
  if (isDocked) {
    return (
      <aside class={`drawer docked ${side}`} aria-label={label}>
        {children}
      </aside>
    );
  }
  return (
    <DialogDrawer side={side} label={label} onClose={onClose}>
      {children}
    </DialogDrawer>
  );
}

function DialogDrawer(props: Omit<DrawerProps, 'isDocked' | 'isOpen'>) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class={`drawer floating ${props.side}`}
      aria-label={props.label}
      onClose={props.onClose}
      onClick={(event) => event.target === dialog.current && props.onClose()}
    >
      <div class="drawer-content">{props.children}</div>
    </dialog>
  );
}

/** Whether a media query holds, now and later. */
export function useMedia(query: string): boolean {
  const [holds, setHolds] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const update = () => setHolds(list.matches);
    update();
    list.addEventListener('change', update);
    return () => list.removeEventListener('change', update);
  }, [query]);
  return holds;
}

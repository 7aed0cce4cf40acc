import { useEffect, useReducer } from 'preact/hooks';

/** A value that tells when it was replaced. */
export class Store<T> {
  private readonly listeners = new Set<() => void>();

  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  set(value: T): void {
    if (value === this.current) return;
    this.current = value;
    for (const listener of [...this.listeners]) listener();
  }

  update(change: Partial<T>): void {
    this.set({ ...this.current, ...change });
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** The store's value; the component is drawn again when it is replaced. */
export function useStore<T>(store: Store<T>): T {
  const [, redraw] = useReducer<number, void>((count) => count + 1, 0);
  useEffect(() => store.subscribe(() => redraw()), [store]);
  return store.value;
}

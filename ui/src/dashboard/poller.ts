import { fetchMetrics } from '../api/client';
import { MetricsHistory, type Point, type Totals } from '../metrics/history';
import { parsePrometheus } from '../metrics/prometheus';
import { Store } from '../state/store';

const PERIOD_MS = 1000;
const TIMEOUT_MS = 5000;

export interface DashboardState {
  points: Point[];
  totals: Totals | null;
  error: string | null; // why the latest reading failed
}

/** Reads /metrics every second, from the first look at the dashboard on, while the page is seen. */
export class Poller {
  readonly store = new Store<DashboardState>({ points: [], totals: null, error: null });
  private readonly history = new MetricsHistory();
  private isStarted = false;

  start(): void {
    if (this.isStarted) return;
    this.isStarted = true;
    void this.run();
  }

  private async run(): Promise<void> {
    for (;;) {
      const started = performance.now();
      if (!document.hidden) await this.poll();
      const wait = PERIOD_MS - (performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, Math.max(wait, PERIOD_MS / 4)));
    }
  }

  private async poll(): Promise<void> {
    try {
      const text = await fetchMetrics(AbortSignal.timeout(TIMEOUT_MS));
      this.history.add(Date.now() / 1000, parsePrometheus(text));
      this.store.set({
        points: this.history.points,
        totals: this.history.totals(),
        error: null,
      });
    } catch (thrown) {
      const isLate = (thrown as Error).name === 'TimeoutError';
      const error = isLate ? 'The server does not answer in time.' : (thrown as Error).message;
      this.store.update({ error });
    }
  }
}

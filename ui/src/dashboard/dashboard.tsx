import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Percentiles, Point, Totals } from '../metrics/history';
import { useServices } from '../services';
import { useStore } from '../state/store';
import { Icon } from '../widgets/icon';
import { Chart, type Series } from './chart';
import { count, duration, rate, share } from './format';

const SHOWN_SECONDS = 120;

export function Dashboard({ isDark }: { isDark: boolean }) {
  const { poller, server } = useServices();
  const { points, totals, error } = useStore(poller.store);
  const { models } = useStore(server.store);
  useEffect(() => poller.start(), []);
  const latest = points.at(-1);
  return (
    <div class="dashboard" tabIndex={0} role="region" aria-label="Dashboard">
      <header class="dashboard-header">
        <h1>{models[0]?.id ?? 'Server'}</h1>
        <p class="live">
          <span class={`dot ${error === null ? 'good pulse' : 'bad'}`} />
          {error === null ? 'live, every second' : 'not reachable'}
        </p>
      </header>
      {error !== null && (
        <div class="notice bad" role="alert">
          <Icon name="error" />
          <p>{error}</p>
        </div>
      )}
      {latest && <Tiles latest={latest} totals={totals} />}
      {latest && <Charts points={points} isDark={isDark} />}
      {totals && <Finished totals={totals} />}
    </div>
  );
}

interface TileProps {
  name: string;
  value: string;
  note?: ComponentChildren;
  meter?: number | null; // 0 … 1
}

function Tile({ name, value, note, meter }: TileProps) {
  const isPartOfWhole = meter !== undefined && meter !== null;
  return (
    <div class="tile">
      <dt>{name}</dt>
      <dd>
        <span class="tile-value">{value}</span>
        {isPartOfWhole && (
          <span class="meter">
            <span style={{ inlineSize: `${Math.min(meter, 1) * 100}%` }} />
          </span>
        )}
        {note && <span class="tile-note">{note}</span>}
      </dd>
    </div>
  );
}

function Tiles({ latest, totals }: { latest: Point; totals: Totals | null }) {
  const tail = ({ p90, p99 }: Percentiles) => (
    <>
      <span>median</span> <span>p90 {duration(p90)}</span> <span>p99 {duration(p99)}</span>
    </>
  );
  return (
    <dl class="tiles">
      <Tile name="Running" value={count(latest.running)} note={`${rate(latest.finished)} done/s`} />
      <Tile
        name="Waiting"
        value={count(latest.waiting)}
        note={`${count(totals?.preemptions ?? null)} preemptions`}
      />
      <Tile name="KV cache" value={share(latest.kvUsage)} meter={latest.kvUsage} />
      <Tile
        name="Prefix hits"
        value={share(latest.hitRate)}
        note={`${share(totals?.hitRate ?? null)} since the start`}
      />
      <Tile
        name="Tokens out"
        value={`${rate(latest.generationTokens)} /s`}
        note={`${count(totals?.generationTokens ?? null)} in all`}
      />
      <Tile
        name="Tokens in"
        value={`${rate(latest.promptTokens)} /s`}
        note={`${count(totals?.promptTokens ?? null)} in all`}
      />
      <Tile name="Time to first token" value={duration(latest.ttft.p50)} note={tail(latest.ttft)} />
      <Tile name="Time between tokens" value={duration(latest.itl.p50)} note={tail(latest.itl)} />
    </dl>
  );
}

function Charts({ points, isDark }: { points: Point[]; isDark: boolean }) {
  const of = (pick: (point: Point) => number | null) => points.map(pick);
  const common = { times: points.map(({ time }) => time), seconds: SHOWN_SECONDS, isDark };
  const percentiles = (pick: (point: Point) => Percentiles): Series[] => [
    { name: 'p50', color: '--series-1', values: of((point) => pick(point).p50), isFilled: true },
    { name: 'p90', color: '--series-2', values: of((point) => pick(point).p90) },
    { name: 'p99', color: '--series-3', values: of((point) => pick(point).p99) },
  ];
  const requests: Series[] = [
    { name: 'running', color: '--series-1', values: of((p) => p.running), isFilled: true },
    { name: 'waiting', color: '--series-2', values: of((p) => p.waiting) },
  ];
  const tokens: Series[] = [
    { name: 'out', color: '--series-1', values: of((p) => p.generationTokens), isFilled: true },
    { name: 'in', color: '--series-2', values: of((p) => p.promptTokens) },
  ];
  const cache: Series[] = [
    { name: 'KV in use', color: '--series-1', values: of((p) => p.kvUsage), isFilled: true },
    { name: 'prefix hits', color: '--series-2', values: of((p) => p.hitRate) },
  ];
  return (
    <div class="charts">
      <Chart title="Requests" series={requests} format={count} minimumMaximum={4} {...common} />
      <Chart
        title="Tokens per second"
        series={tokens}
        format={rate}
        minimumMaximum={10}
        {...common}
      />
      <Chart
        title="Time to first token"
        series={percentiles((p) => p.ttft)}
        format={duration}
        minimumMaximum={0.001}
        {...common}
      />
      <Chart
        title="Time between tokens"
        series={percentiles((p) => p.itl)}
        format={duration}
        minimumMaximum={0.001}
        {...common}
      />
      <Chart title="Cache" series={cache} format={share} maximum={1} {...common} />
      <Chart
        title="Whole requests"
        series={percentiles((p) => p.e2e)}
        format={duration}
        minimumMaximum={0.01}
        {...common}
      />
    </div>
  );
}

function Finished({ totals }: { totals: Totals }) {
  if (totals.finishedByReason.length === 0) return null;
  return (
    <p class="finished">
      {count(totals.finished)} finished:{' '}
      {totals.finishedByReason.map(([reason, num]) => `${count(num)} ${reason}`).join(', ')}.
      Percentiles and hit rate are of the last 15 seconds.
    </p>
  );
}

import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';

export interface Series {
  name: string;
  color: string; // a custom property of the style
  values: (number | null)[];
  isFilled?: boolean;
}

export interface ChartProps {
  title: string;
  times: number[]; // seconds since 1970
  series: Series[];
  format: (value: number | null) => string;
  maximum?: number; // of the scale, where it is fixed
  minimumMaximum?: number; // the scale reaches at least so far
  seconds: number; // how much of the past is shown
  isDark: boolean;
}

const HEIGHT_PX = 168;

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function agoLabel(seconds: number): string {
  if (seconds === 0) return 'now';
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

function axes(props: ChartProps): uPlot.Axis[] {
  const line = { stroke: token('--line'), width: 1 };
  const common = { stroke: token('--ink-3'), font: '11px system-ui, sans-serif' };
  return [
    {
      ...common,
      grid: { show: false },
      ticks: { ...line, size: 4 },
      size: 30,
      splits: (chart) => {
        const end = chart.scales['x']!.max!;
        return [120, 90, 60, 30, 0].filter((ago) => ago <= props.seconds).map((ago) => end - ago);
      },
      values: (chart, splits) =>
        splits.map((split) => agoLabel(Math.round(split - chart.scales['x']!.max!) * -1)),
    },
    {
      ...common,
      size: 58,
      grid: line,
      ticks: { show: false },
      space: 36,
      values: (_, splits) => splits.map((split) => props.format(split)),
    },
  ];
}

function options(props: ChartProps, width: number, onHover: (index: number | null) => void) {
  const [low, high] = [0, props.maximum];
  return {
    width,
    height: HEIGHT_PX,
    padding: [8, 18, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: 'quire' }, drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: { time: false },
      y: {
        range: (_: uPlot, __: number | null, found: number | null): uPlot.Range.MinMax => [
          low,
          high ?? Math.max((found ?? 0) * 1.15, props.minimumMaximum ?? 1e-9),
        ],
      },
    },
    axes: axes(props),
    series: [
      {},
      ...props.series.map(({ name, color, isFilled }) => ({
        label: name,
        stroke: token(color),
        width: 1.75,
        points: { show: false },
        spanGaps: false,
        ...(isFilled ? { fill: `color-mix(in srgb, ${token(color)} 14%, transparent)` } : {}),
      })),
    ],
    hooks: { setCursor: [(chart: uPlot) => onHover(chart.cursor.idx ?? null)] },
  } as uPlot.Options;
}

/** Lines over the last minutes, with the values of now, or of the moment pointed at, above them. */
export function Chart(props: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const [hovered, setHovered] = useState<number | null>(null);
  const { times, series, seconds } = props;
  const data = [times, ...series.map(({ values }) => values)] as uPlot.AlignedData;

  useEffect(() => {
    const element = place.current!;
    const made = new uPlot(options(props, element.clientWidth, setHovered), data, element);
    chart.current = made;
    const observer = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: HEIGHT_PX }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [props.isDark]);
  useEffect(() => {
    const end = times.at(-1) ?? 0;
    chart.current?.batch(() => {
      chart.current!.setData(data);
      chart.current!.setScale('x', { min: end - seconds, max: end });
    });
  }, [times, props.isDark]);

  const shown = (values: (number | null)[]) =>
    props.format((hovered === null ? values.at(-1) : values[hovered]) ?? null);
  const now = series.map(({ name, values }) => `${name} ${props.format(values.at(-1) ?? null)}`);
  return (
    <figure class="chart">
      <figcaption>
        <h2>{props.title}</h2>
        <ul class="legend">
          {series.map(({ name, color, values }) => (
            <li key={name}>
              <span class="swatch" style={{ background: `var(${color})` }} />
              {name} <strong>{shown(values)}</strong>
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={place} class="plot" role="img" aria-label={`${props.title}: ${now.join(', ')}`} />
    </figure>
  );
}

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import type { TimelinesView } from '#shared/api/schemas.ts';
import { get, problemOf } from './api.ts';
import { seconds } from './format.ts';
import { connection, staleSince } from './store.ts';
import { isDark } from './theme.ts';

/** As often as the orchestrator samples. */
const REFRESH_MS = 10_000;
const HEIGHT = 150;

interface Line {
  readonly name: Exclude<keyof TimelinesView, 'at'>;
  readonly label: string;
}

interface ChartSpec {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly text: (value: number) => string;
  /** What the axis shows at least; 1 where it does not say. */
  readonly least?: number;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const CLOCK_OF_SECONDS = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
/** There are no halves of a worker. */
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];

const count = (value: number): string => String(value);
const share = (value: number): string => `${Math.round(value)} %`;

const CHARTS: readonly ChartSpec[] = [
  {
    title: 'Jobs',
    lines: [
      { name: 'running', label: 'running' },
      { name: 'slots', label: 'slots' },
    ],
    text: count,
  },
  { title: 'Waiting', lines: [{ name: 'queued', label: 'jobs' }], text: count },
  {
    title: 'Speed',
    lines: [{ name: 'speed', label: 'mean' }],
    text: (value) => `${Number(value.toFixed(2))}×`,
  },
  {
    title: 'First segment',
    lines: [{ name: 'firstSegmentMs', label: 'longest wait' }],
    text: seconds,
    least: 1000,
  },
  {
    title: 'Load',
    lines: [
      { name: 'gpu', label: 'GPU' },
      { name: 'cpu', label: 'CPU' },
    ],
    text: share,
  },
  { title: 'Workers ready', lines: [{ name: 'workers', label: 'workers' }], text: count },
];

export function TimelinesPage(): VNode {
  const view = useSignal<TimelinesView | null>(null);
  const plot = useSignal<typeof uPlot | null>(null);
  const problem = useSignal<string | null>(null);
  useEffect(() => {
    if (connection.value !== 'live') return;
    const refresh = async (): Promise<void> => {
      try {
        // Nobody who does not look at timelines loads it.
        plot.value ??= (await import('uplot')).default;
        view.value = await get<TimelinesView>('timelines');
        problem.value = null;
      } catch (error) {
        problem.value = problemOf(error);
      }
    };
    void refresh();
    const timer = setInterval(refresh, REFRESH_MS);
    return () => clearInterval(timer);
  }, [connection.value]);
  const told = view.value;
  return html`
    <div class="bar-of-tools"><h1>Timelines</h1><span class="quiet">the last six hours, every 10 s</span></div>
    ${problem.value && html`<p class="alarm" role="alert">${problem.value}</p>`}
    ${
      told &&
      (told.at.length === 0
        ? html`<p class="quiet empty">The first figures come 10 s after the orchestrator has started.</p>`
        : html`<div class="charts">${CHARTS.map(
            (spec) =>
              html`<${Chart} key=${`${spec.title}${isDark()}${staleSince.value}`} spec=${spec} view=${told} Plot=${plot.value} />`,
          )}</div>`)
    }`;
}

interface ChartProps {
  readonly spec: ChartSpec;
  readonly view: TimelinesView;
  readonly Plot: typeof uPlot;
}

function Chart({ spec, view, Plot }: ChartProps): VNode {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    plot.current?.setData(dataOf(spec, view));
  }, [view]);
  useEffect(() => {
    if (!place.current) return;
    const drawn = new Plot(optionsOf(spec, place.current), dataOf(spec, view), place.current);
    plot.current = drawn;
    const resize = new ResizeObserver(([entry]) => {
      if (entry) drawn.setSize({ width: entry.contentRect.width, height: HEIGHT });
    });
    resize.observe(place.current);
    return () => {
      resize.disconnect();
      drawn.destroy();
      plot.current = null;
    };
  }, []);
  return html`<figure class="chart">
    <figcaption><h2>${spec.title}</h2>
      ${spec.lines.map(({ name, label }, index) => {
        const value = view[name].at(-1) ?? null;
        return html`<span class=${index === 0 ? 'first' : 'second'}>${label} ${value === null ? '–' : spec.text(value)}</span>`;
      })}
    </figcaption>
    <div ref=${place}></div>
  </figure>`;
}

function dataOf({ lines }: ChartSpec, view: TimelinesView): uPlot.AlignedData {
  return [view.at, ...lines.map(({ name }) => view[name])];
}

/** Where neither neighbour has a value no line would show it. */
function alone({ data }: uPlot, series: number): number[] {
  const values = data[series] ?? [];
  const isThere = (index: number): boolean => values[index] !== null && values[index] !== undefined;
  return [...values.keys()].filter((at) => isThere(at) && !isThere(at - 1) && !isThere(at + 1));
}

function optionsOf({ lines, text, least = 1 }: ChartSpec, element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(element);
  const axis: uPlot.Axis = {
    stroke: style.getPropertyValue('--quiet'),
    grid: { stroke: style.getPropertyValue('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 8, 0, 0],
    cursor: { y: false, drag: { x: true, y: false } },
    scales: { y: { range: (_plot, _from, most) => [0, Math.max(least, (most ?? 0) * 1.1)] } },
    axes: [
      {
        ...axis,
        size: 20,
        space: 80,
        values: (_plot, values, _axis, _space, step) =>
          values.map((at) => (step < 60 ? CLOCK_OF_SECONDS : CLOCK).format(at * 1000)),
      },
      {
        ...{ ...axis, size: 60, values: (_plot, values) => values.map(text) },
        ...(text === count && { incrs: WHOLE }),
      },
    ],
    series: [
      {},
      ...lines.map(({ label }, index) => ({
        label,
        stroke: style.getPropertyValue(index === 0 ? '--accent' : '--quiet'),
        width: 1.5,
        points: { show: false, size: 5, filter: alone },
        spanGaps: false,
      })),
    ],
  };
}

// uPlot in the Studio's colours, the size of its frame.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

export interface Curve {
  label: string;
  colour: string;
  dash?: number[];
}

const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Joins series with steps of their own into uPlot's one axis. */
export function joined(series: { steps: number[]; values: (number | null)[] }[]): uPlot.AlignedData {
  const tables = series.map((each): uPlot.AlignedData => {
    // A resumed training may say a step twice: the last one counts.
    const kept = new Map(each.steps.map((step, i) => [step, each.values[i] ?? null]));
    const steps = [...kept.keys()].sort((a, b) => a - b);
    return [steps, steps.map((step) => kept.get(step) ?? null)];
  });
  return tables.length > 1 ? uPlot.join(tables) : (tables[0] ?? [[]]);
}

/** On a logarithmic axis: as far as the values go, and at least a factor of two. */
function decades(_: uPlot, low: number | null, high: number | null): [number, number] {
  if (!high || high <= 0) return [0.1, 1];
  const from = Math.max(low ?? 0, high / 1e6);
  const air = Math.max(1.05, Math.sqrt((2 * from) / high));
  // On whole lines: 0.07 to 0.2.
  const line = (v: number, to: (v: number) => number) => {
    const unit = 10 ** Math.floor(Math.log10(v));
    return to(v / unit) * unit;
  };
  return [line(from / air, Math.floor), line(high * air, Math.ceil)];
}

export function plot(
  into: HTMLElement,
  curves: Curve[],
  data: uPlot.AlignedData,
  options: { log: boolean; onstep?: (step: number | null) => void; height: number; steps: string },
): uPlot {
  const axis = { stroke: css("--muted"), grid: { stroke: css("--line"), width: 0.5 }, ticks: { stroke: css("--line"), width: 0.5 }, font: `12px ${css("--sans")}` };
  return new uPlot(
    {
      width: Math.max(200, into.clientWidth),
      height: options.height,
      scales: { x: { time: false }, y: options.log ? { distr: 3, range: decades } : {} },
      axes: [axis, { ...axis, size: 64 }],
      legend: { live: true },
      cursor: { drag: { x: true, y: false } },
      series: [
        { label: options.steps },
        ...curves.map((curve) => ({
          label: curve.label,
          stroke: curve.colour,
          width: 2,
          dash: curve.dash,
          spanGaps: true,
          points: { show: false },
        })),
      ],
      hooks: {
        setCursor: [
          (chart) => {
            const at = chart.cursor.left;
            options.onstep?.(at === undefined || at < 0 ? null : chart.posToVal(at, "x"));
          },
        ],
      },
    },
    data,
    into,
  );
}

// Items on the plane of their first two principal components, coloured by what they are called.

import type { ItemMap, MapPoint, ReportedRun, ReportedTable } from "./content.js";
import { colorOf, figure, legend, runTitle, type Section } from "./figure.js";
import { html, shortened, type Markup } from "./html.js";
import { counted, percent, whole } from "./numbers.js";
import { palette, type Pen } from "./pen.js";

/** Width and height of the drawing; it has no text that would have to be read when it is scaled down. */
const WIDTH = 600;
const HEIGHT = 500;
const MARGIN = 12;
const OTHERS = "var(--others)";

type WithMap = ReportedRun & { table: ReportedTable & { map: ItemMap } };

/** Colours of labels: the scheme without its grey, which stands for all others. */
export const labelColors = palette.slice(0, -1);

/** The maps of the runs that have one; undefined where none has. */
export function itemMaps(pen: Pen, runs: readonly ReportedRun[]): Section | undefined {
  const shown = runs.filter((run): run is WithMap => run.table?.map !== undefined);
  const [first] = shown;
  if (!first) return undefined;
  const { column, labels } = first.table.map;
  const several =
    column === undefined ? "" : ` A key of several labels has the colour of the rarest of them that has one.`;
  return {
    id: "map",
    title: `A map of ${shortened(first.table.field, 40)}`,
    lead: html`Each dot is a key, each vector scaled to length 1 and laid on the first two principal
    components. Point at a dot for its name.${several}`,
    body: html`${
        column !== undefined && labels.length > 0
          ? legendOfLabels(
              column,
              shown.map(({ table }) => table.map),
            )
          : undefined
      }
      <div class="grid maps">${shown.map((run) => drawn(pen, runs, run))}</div>`,
  };
}

/** Labels are the same on all maps; how many keys have each is reported where there is one. */
function legendOfLabels(column: string, maps: readonly ItemMap[]): Markup {
  const [{ labels }] = maps as [ItemMap];
  const note = (count: number) => (maps.length === 1 ? { note: whole(count) } : {});
  const others = maps.flatMap(({ points }) => points).filter(({ label }) => label === undefined).length;
  return html`<p class="legend-title">${shortened(column, 40)}</p>
    ${legend([
      ...labels.map(({ label, points: n }, i) => ({ name: label, color: labelColors[i]!, ...note(n) })),
      ...(others > 0 ? [{ name: "others", color: OTHERS, ...note(others) }] : []),
    ])}`;
}

function drawn({ plot, draw }: Pen, runs: readonly ReportedRun[], run: WithMap): Markup {
  const { map, field, rows } = run.table;
  const plain = map.column === undefined;
  // what has a colour lies above what has none; of these, the frequent below the rare, which would be hidden
  const rank = ({ label }: MapPoint) => label ?? -1;
  const points = map.points.toSorted((a, b) => rank(a) - rank(b));
  const colorAt = ({ label }: MapPoint) => (label === undefined ? OTHERS : labelColors[label]!);
  const r = points.length > 800 ? 2.4 : points.length > 200 ? 3.2 : 4.5;
  const frame = frameOf(points);
  const name = shortened(field, 40);
  const labelled = plain
    ? ""
    : `, coloured by ${map.column}: ${map.labels.map(({ label, points: n }) => `${shortened(label, 30)} ${n}`).join(", ")}`;
  const drawing = draw(
    `${counted(points.length, "key")} of ${name} of run ${run.name} on a plane${labelled}`,
    {
      width: WIDTH,
      height: HEIGHT,
      margin: MARGIN,
      x: { axis: null, domain: frame.x },
      y: { axis: null, domain: frame.y },
      marks: [
        plot.dot(points, {
          x: "x",
          y: "y",
          r,
          fill: plain ? colorOf(runs, run) : colorAt,
          fillOpacity: (point: MapPoint) => (plain || point.label !== undefined ? 0.75 : 0.55),
          title: titleOf,
        }),
      ],
    },
  );
  const sample = points.length < rows ? `${whole(points.length)} of ${counted(rows, "key")}, by hash; ` : "";
  const share = `${sample}${percent(map.explained, 0)} of the variance on this plane`;
  return figure(html`${runTitle(runs, run, name)} <small>${share}</small>`, drawing, undefined, "map");
}

/** Equal scales, the cloud in the middle of the frame. */
function frameOf(points: readonly MapPoint[]): { x: [number, number]; y: [number, number] } {
  const spanOf = (values: number[]) => ({ low: Math.min(...values), high: Math.max(...values) });
  const [x, y] = [spanOf(points.map((point) => point.x)), spanOf(points.map((point) => point.y))];
  const inner = { width: WIDTH - 2 * MARGIN, height: HEIGHT - 2 * MARGIN };
  const unit = Math.max((x.high - x.low) / inner.width, (y.high - y.low) / inner.height) / 2;
  const around = ({ low, high }: { low: number; high: number }, length: number): [number, number] => [
    (low + high) / 2 - unit * length,
    (low + high) / 2 + unit * length,
  ];
  return { x: around(x, inner.width), y: around(y, inner.height) };
}

function titleOf({ key, name, count, cell }: MapPoint): string {
  const lines = [
    name === undefined ? shortened(key, 60) : `${shortened(name, 48)} (${shortened(key, 24)})`,
    ...(cell === undefined ? [] : [shortened(cell, 60)]),
    ...(count > 0 ? [counted(count, "event")] : []),
  ];
  return lines.join("\n");
}

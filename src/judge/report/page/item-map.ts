// Maps of items, colored by label: one by the first two principal components, and next to it one by UMAP.

import type { ItemMap, Layout, MapPoint, ReportedRun, ReportedTable, PageRuns } from "./content.js";
import { colorOf, figure, legend, runTitle, type Section, palette, type Pen } from "./plot.js";
import { html, shortened, type Markup, keyLabel, keyTitle, countText, percent, whole } from "./html.js";

/** Width and height of the plot; its names are hidden when it is scaled down to a phone. */
const WIDTH = 600;
const HEIGHT = 480;
const MARGIN = 16;
const NAMES = 10;
const OTHERS = "var(--others)";

type WithMap = ReportedRun & { table: ReportedTable & { map: ItemMap } };

/** Colors of labels: the palette without gray, which is used for other labels. */
const labelColors = palette.slice(0, -1);

export function itemMaps(pen: Pen, runs: PageRuns): Section | undefined {
  const shown = runs.filter((run): run is WithMap => run.table?.map !== undefined);
  const [first] = shown;
  if (!first) return undefined;
  const { column, labels } = first.table.map;
  const maps = shown.map(({ table }) => table.map);
  return {
    id: "map",
    title: `A map of ${shortened(first.table.field, 40)}`,
    lead: leadOf(maps),
    body: html`${column !== undefined && labels.length > 0 ? legendOfLabels(column, maps) : undefined}
      <div class="maps">
        ${shown.map((run) => html`<div class="pair">${run.table.map.layouts.map((layout) => mapPlot(pen, runs, run, layout))}</div> `)}
      </div>`,
  };
}

function leadOf(maps: readonly ItemMap[]): Markup {
  const has = (by: Layout["by"]) => maps.some(({ layouts }) => layouts.some((layout) => layout.by === by));
  const pca = html` <b>PCA</b> is the plane that keeps most of the distances between vectors; a small share of
    the variance means that dots may overlap that are far apart in the table.`;
  const umap = html` <b>UMAP</b> puts keys next to their nearest neighbors. Keys that stand together are
    similar; how far apart groups are, how large and how dense, means little, and it may show groups where the
    table has none.`;
  const labels =
    maps[0]!.column === undefined ? "" : " A key with several labels has the color of the rarest.";
  return html`Each dot is a key; point at it for its name, or find it by a part of its
  text.${has("pca") ? pca : undefined}${has("umap") ? umap : undefined}${labels}`;
}

/** The labels are the same on all maps; their numbers of keys are shown if there is one map only. */
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

type Dot = MapPoint & { x: number; y: number };

function mapPlot({ plot, draw }: Pen, runs: PageRuns, run: WithMap, layout: Layout): Markup {
  const { map, field } = run.table;
  const plain = map.column === undefined;
  // colored points are drawn over gray ones, and rare labels over frequent ones, which would hide them
  const rank = ({ label }: MapPoint) => label ?? -1;
  const dots = dotsOf(map.points, layout.places).sort((a, b) => rank(a) - rank(b));
  const colorAt = ({ label }: MapPoint) => (label === undefined ? OTHERS : labelColors[label]!);
  const r = dots.length > 800 ? 2.4 : dots.length > 200 ? 3.2 : 4.5;
  const name = shortened(field, 40);
  const labelled = plain
    ? ""
    : `, colored by ${map.column}: ${map.labels.map(({ label, points: n }) => `${shortened(label, 30)} ${n}`).join(", ")}`;
  const frequent = dots.toSorted((a, b) => b.count - a.count).map((dot) => ({ ...dot, text: keyLabel(dot) }));
  const names = placedNames(frequent, { width: WIDTH, height: HEIGHT }, NAMES);
  const drawing = draw(
    `${countText(dots.length, "key")} of ${name} of run ${run.name} on a plane by ${TITLES[layout.by]}${labelled}`,
    {
      width: WIDTH,
      height: HEIGHT,
      margin: 0,
      x: { axis: null, domain: [0, WIDTH] },
      y: { axis: null, domain: [HEIGHT, 0] },
      marks: [
        plot.dot(dots, {
          x: "x",
          y: "y",
          r,
          fill: plain ? colorOf(runs, run) : colorAt,
          fillOpacity: (dot: Dot) => (plain || dot.label !== undefined ? 0.75 : 0.55),
          title: titleOf,
        }),
        ...(["start", "end"] as const).map((anchor) =>
          plot.text(
            names.filter((each) => each.anchor === anchor),
            {
              x: "x",
              y: "y",
              text: "text",
              textAnchor: anchor,
              fill: "currentColor",
              stroke: "var(--wash)",
              strokeWidth: 3.5,
              className: "names",
            },
          ),
        ),
      ],
    },
  );
  return figure(
    html`${runTitle(runs, run, TITLES[layout.by])} <small>${noteOf(run, layout)}</small>`,
    drawing,
    undefined,
    "map",
  );
}

const TITLES: Record<Layout["by"], string> = { pca: "PCA", umap: "UMAP" };

function noteOf({ table: { map, rows } }: WithMap, { explained, kept }: Layout): string {
  const shown = map.points.length;
  return [
    shown < rows ? `${whole(shown)} of ${countText(rows, "key")}, by hash` : countText(shown, "key"),
    ...(explained === undefined ? [] : [`${percent(explained, 0)} of the variance`]),
    ...(kept === undefined ? [] : [`keeps ${percent(kept.share, 0)} of the ${kept.of} nearest`]),
  ]
    .join(" · ")
    .replaceAll(" %", "\u00A0%");
}

/** Scales both axes equally, centers the cloud, and points the second axis upward. */
function dotsOf(points: readonly MapPoint[], places: Float64Array): Dot[] {
  const along = (axis: 0 | 1) => {
    const values = places.filter((_, i) => i % 2 === axis);
    const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
    return { middle: (low + high) / 2, span: high - low };
  };
  const [across, up] = [along(0), along(1)];
  const unit = Math.max(across.span / (WIDTH - 2 * MARGIN), up.span / (HEIGHT - 2 * MARGIN)) || 1;
  return points.map((point, i) => ({
    ...point,
    x: WIDTH / 2 + (places[2 * i]! - across.middle) / unit,
    y: HEIGHT / 2 - (places[2 * i + 1]! - up.middle) / unit,
  }));
}

function titleOf({ cell, count, ...key }: MapPoint): string {
  const lines = [
    keyTitle(key),
    ...(cell === undefined ? [] : [shortened(cell, 60)]),
    ...(count > 0 ? [countText(count, "event")] : []),
  ];
  return lines.join("\n");
}

/** A dot and its name, in units of the plot. */
interface Named {
  x: number;
  y: number;
  text: string;
}

/** A name with its position: left or right of the dot, vertically centered at `y`. */
export interface PlacedName extends Named {
  anchor: "start" | "end";
}

/** Height of a line including spacing, and upper estimate of a character's width, for a font of 11 units. */
const LINE = 20;
const CHARACTER = 6.6;
/** Wide characters, such as Chinese, Japanese and Korean ones. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60]|[\u{1f300}-\u{1faff}]/u;
/** Space between a dot and its name. */
const GAP = 8;

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Omits names without room. @param named the most important first @param most most names to place */
export function placedNames(
  named: readonly Named[],
  { width, height }: { width: number; height: number },
  most: number,
): PlacedName[] {
  const placed: PlacedName[] = [];
  const taken: Box[] = [];
  for (const { x, y, text } of named) {
    if (placed.length === most) break;
    if (text === "") continue;
    for (const anchor of ["start", "end"] as const) {
      const box = boxOf(x, y, text, anchor);
      const inside = box.left >= 2 && box.right <= width - 2 && box.top >= 2 && box.bottom <= height - 2;
      if (!inside || taken.some((other) => overlap(box, other))) continue;
      taken.push(box);
      placed.push({ x: anchor === "start" ? x + GAP : x - GAP, y, text, anchor });
      break;
    }
  }
  return placed;
}

function boxOf(x: number, y: number, text: string, anchor: PlacedName["anchor"]): Box {
  const length = Array.from(text).reduce((sum, each) => sum + (WIDE.test(each) ? 2 : 1) * CHARACTER, 0);
  const left = anchor === "start" ? x - GAP : x - GAP - length;
  // the box includes the dot, so that no other name covers it
  return { left, right: left + length + 2 * GAP, top: y - LINE / 2, bottom: y + LINE / 2 };
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

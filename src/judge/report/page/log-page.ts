// The page about a log, before anything is trained on it: its columns and how their cells are distributed, its days,
// its users and items, and what a training would warn of.

import { htmlDocument } from "./document.js";
import { figure, grid, type Section, loadPen, namedRows, palette, type Pen } from "./plot.js";
import {
  countText,
  html,
  htmlTable,
  percent,
  rangeText,
  short,
  shortened,
  whole,
  type Markup,
} from "./html.js";

// The content of a page about a log. All numbers are computed before; the page only displays them.

/** The content of a page about a log. */
export interface LogContent {
  version: string;
  paths: readonly string[];
  rows: number;
  columns: readonly LogColumn[];
  /** events per key of the user column and of the item column, if the log has such columns */
  keys: readonly EventsOfKeys[];
  duplicates: { rows: number; share: number; exact: boolean };
  /** rows by day since 1970 in UTC, ascending; empty without times */
  days: readonly { day: number; rows: number }[];
  warnings: readonly string[];
}

export interface LogColumn {
  name: string;
  /**
   * user, item, label, time, weight, session, numeric or field; `left out` for a column with too few rows per key to be
   * a field
   */
  role: string;
  type: string;
  /** reason for the inferred role; for a field, the type that its cells resemble but are not read as */
  why: string;
  distinct: number;
  /** number of empty cells in the column */
  missing: number;
  /** cells of the column in the first rows of the log */
  first: string[];
  shape?: ColumnShape;
}

/** The distribution of the cells of a column. */
export type ColumnShape =
  /** the most frequent keys, and the number of rows that have another key */
  | { kind: "keys"; top: readonly { key: string; rows: number }[]; others: number }
  /** a histogram; cells outside of its range count in the first and the last bin */
  | {
      kind: "numbers";
      bins: readonly { from: number; to: number; rows: number }[];
      min: number;
      median: number;
      max: number;
    };

/** The distribution of the number of events over the keys of a column. */
export interface EventsOfKeys {
  role: "user" | "item";
  column: string;
  numKeys: number;
  top: readonly { key: string; rows: number; share: number }[];
  /**
   * number of keys in ranges of the number of events, ascending; each range is twice as long as the one before and
   * includes both ends
   */
  ranges: readonly { from: number; to: number; keys: number; rows: number }[];
  /** keys with unusually many events, more than `least`; absent if there are none */
  heavy?: { least: number; keys: number; percentile: number; limit: number };
}

const [MOST_LISTED, MOST_PLOTTED] = [200, 48];
/** Maximum number of characters in a column's name, in a key next to its bar, and in a cell. */
const [NAME, LABEL, CELL] = [40, 20, 60];
const [MOST_WARNINGS, WARNING] = [100, 600];
/** Maximum number of bars in the plot of days; if the log has more days, a bar is the sum of several days. */
const MOST_BARS = 120;
const DAY = 86_400_000;
const [BLUE, RED] = [palette[0], "var(--bad)"];

/** Returns the page as HTML. The same content gives the same text. */
export async function logPage(content: LogContent): Promise<string> {
  const pen = await loadPen();
  const { paths, rows, columns, version } = content;
  const numPlotted = columns.filter(({ shape }) => shape).length;
  const title =
    paths.length === 1
      ? shortened(paths[0]!, 80)
      : `${shortened(paths[0]!, 60)} and ${paths.length - 1} more`;
  return await htmlDocument({
    title,
    command: "embed inspect",
    subtitle: html`<p>${countText(rows, "row")}, ${countText(columns.length, "column")}</p>`,
    sections: [
      warnings(content),
      roles(content),
      days(pen, content),
      ...content.keys.map((keys) => eventsOf(pen, keys)),
      distributions(pen, content),
      repeats(content),
      firstRows(content),
    ].filter((section) => section !== undefined),
    absent: [
      ...(columns.length > MOST_LISTED ? [`${columns.length - MOST_LISTED} further columns`] : []),
      ...(numPlotted > MOST_PLOTTED
        ? [`the distributions of ${numPlotted - MOST_PLOTTED} further columns`]
        : []),
    ],
    version,
  });
}

function nameOf(name: string): Markup {
  return html`<span class="key">${shortened(name, NAME)}</span>`;
}

function shareCell(share: number): Markup {
  return html`<span class="share" style="--w:${share.toFixed(3)}">${percent(share)}</span>`;
}

function warnings({ warnings: texts }: LogContent): Section | undefined {
  if (texts.length === 0) return undefined;
  const rest = texts.length - MOST_WARNINGS;
  return {
    id: "warnings",
    title: "Warnings",
    body: html`<ul>
      ${texts.slice(0, MOST_WARNINGS).map((text) => html`<li>${shortened(text, WARNING)}</li>`)}
      ${rest > 0 ? html`<li>and ${whole(rest)} more</li>` : undefined}
    </ul>`,
  };
}

function roles({ columns, rows }: LogContent): Section {
  return {
    id: "columns",
    title: "Columns",
    lead: "The roles that a training would infer; flags such as --user or --label set them.",
    body: htmlTable(
      ["column", "role", "type", "why", "distinct", "missing"],
      columns
        .slice(0, MOST_LISTED)
        .map(({ name, role, type, why, distinct, missing }) => [
          nameOf(name),
          role,
          type,
          html`<small class="why">${shortened(why, 160)}</small>`,
          whole(distinct),
          shareCell(missing / Math.max(1, rows)),
        ]),
      4,
    ),
  };
}

function days({ plot, draw }: Pen, { days: all }: LogContent): Section | undefined {
  const [first, last] = [all[0]?.day, all.at(-1)?.day];
  if (first === undefined || last === undefined) return undefined;
  const width = Math.max(1, Math.ceil((last - first + 1) / MOST_BARS));
  const sums = new Map<number, number>();
  for (const { day, rows } of all) {
    const bar = Math.floor((day - first) / width);
    sums.set(bar, (sums.get(bar) ?? 0) + rows);
  }
  const date = (day: number) => new Date(day * DAY).toISOString().slice(0, 10);
  const bars = [...sums].map(([bar, rows]) => {
    const [from, to] = [first + bar * width, Math.min(last, first + (bar + 1) * width - 1)];
    const when = from === to ? date(from) : `${date(from)} to ${date(to)}`;
    return {
      x1: new Date(from * DAY),
      x2: new Date((to + 1) * DAY),
      rows,
      title: `${when}: ${countText(rows, "row")}`,
    };
  });
  const empty = last - first + 1 - all.length;
  const drawing = draw(`rows by day, from ${date(first)} to ${date(last)}`, {
    width: 900,
    height: 220,
    marginLeft: 48,
    x: { type: "utc", label: null, ticks: last - first < 10 ? "day" : 8 },
    y: { label: "rows", grid: true, ticks: 4, tickFormat: "~s", zero: true },
    marks: [plot.rectY(bars, { x1: "x1", x2: "x2", y: "rows", fill: BLUE, insetRight: 0.5, title: "title" })],
  });
  return {
    id: "days",
    title: "Rows per day",
    lead: [
      `From ${date(first)} to ${date(last)} (UTC)`,
      ...(empty > 0 ? [`${countText(empty, "day")} without rows`] : []),
      ...(width > 1 ? [`a bar is ${width} days`] : []),
    ].join("; "),
    body: figure("", drawing, undefined, "map"),
  };
}

function eventsOf(pen: Pen, keys: EventsOfKeys): Section {
  const { role, column, numKeys, top, heavy } = keys;
  const crowd =
    heavy &&
    `${countText(heavy.keys, `${role} has`, `${role}s have`)} more than ${whole(heavy.least)} events (99 % have at most ` +
      `${whole(heavy.percentile)}): bots, test accounts or a placeholder? --drop-users-above ${heavy.limit} leaves them out.`;
  const head = [role, "rows", "share"];
  const rows = top.map(({ key, rows: own, share }) => [
    html`<span class="key">${shortened(key, CELL)}</span>`,
    whole(own),
    shareCell(share),
  ]);
  return {
    id: `${role}s`,
    title: role === "user" ? "Users" : "Items",
    isHalf: true,
    lead: html`${countText(numKeys, "key")} in <b>${shortened(column, NAME)}</b>. ${crowd}`,
    body: html`${grid([rangePlot(pen, keys)])}
    ${
      top.length > 0
        ? html`<h3>Most frequent</h3>
            ${htmlTable(head, rows)}`
        : undefined
    }`,
  };
}

function rangePlot({ plot, draw }: Pen, { role, ranges, heavy }: EventsOfKeys): Markup {
  const bars = ranges.map((range, i) => ({
    i,
    keys: range.keys,
    fill: heavy && range.keys > 0 && range.to > heavy.least && range.from > heavy.percentile ? RED : BLUE,
    title: `${rangeText(range)} events: ${countText(range.keys, role)}, ${countText(range.rows, "row")}`,
  }));
  const drawing = draw(`${role}s by their number of events`, {
    height: 8 + 20 * bars.length,
    marginTop: 4,
    marginBottom: 4,
    marginLeft: 16 + 6.6 * Math.max(...ranges.map((range) => rangeText(range).length)),
    marginRight: 44,
    x: { type: "symlog", axis: null },
    y: namedRows(ranges.map(rangeText)),
    marks: [
      plot.barX(bars, { x: "keys", y: "i", fill: "fill", insetTop: 2, insetBottom: 2, title: "title" }),
      plot.text(bars, {
        x: "keys",
        y: "i",
        text: ({ keys }: { keys: number }) => whole(keys),
        textAnchor: "start",
        dx: 4,
      }),
    ],
  });
  const table = htmlTable(
    ["events", `${role}s`, "rows"],
    ranges.map((range) => [rangeText(range), whole(range.keys), whole(range.rows)]),
  );
  return figure(`${role}s by number of events`, drawing, table);
}

type Shaped = LogColumn & { shape: ColumnShape };

function distributions(pen: Pen, { columns, rows }: LogContent): Section | undefined {
  const shaped = columns.filter((column): column is Shaped => column.shape !== undefined);
  if (shaped.length === 0) return undefined;
  return {
    id: "distributions",
    title: "Distributions",
    lead: "The most frequent cells of columns of keys, as a share of all rows, and histograms of numbers.",
    body: grid(shaped.slice(0, MOST_PLOTTED).map((column) => columnPlot(pen, column, rows))),
  };
}

function columnPlot(pen: Pen, column: Shaped, rows: number): Markup {
  const { name, role, shape } = column;
  const title = html`${nameOf(name)} <small>${role}</small>`;
  return shape.kind === "keys"
    ? keysPlot(pen, title, column, shape, rows)
    : numbersPlot(pen, title, column, shape);
}

function keysPlot(
  { plot, draw }: Pen,
  title: Markup,
  { name, missing, distinct }: LogColumn,
  { top, others }: Extract<ColumnShape, { kind: "keys" }>,
  rows: number,
): Markup {
  const shown = [
    ...top.map(({ key, rows: own }) => ({
      label: shortened(key.trim(), LABEL),
      own,
      full: shortened(key, CELL),
      fill: BLUE as string,
    })),
    ...(others > 0
      ? [
          {
            label: `${whole(distinct - top.length)} others`,
            own: others,
            full: "other keys",
            fill: "var(--others)",
          },
        ]
      : []),
    ...(missing > 0 ? [{ label: "missing", own: missing, full: "missing", fill: "var(--muted)" }] : []),
  ];
  const bars = shown.map(({ label, own, full, fill }, i) => ({
    ...{ i, label, fill },
    share: own / Math.max(1, rows),
    text: percent(own / Math.max(1, rows)),
    title: `${full}: ${countText(own, "row")}, ${percent(own / Math.max(1, rows), 2)}`,
  }));
  const drawing = draw(`most frequent cells of ${shortened(name, NAME)}`, {
    height: 30 + 20 * bars.length,
    marginTop: 4,
    marginBottom: 26,
    marginLeft: 12 + 6.6 * Math.max(4, ...bars.map(({ label }) => label.length)),
    marginRight: 48,
    x: {
      label: null,
      percent: true,
      ticks: 4,
      grid: true,
      domain: [0, 100 * Math.max(1e-9, ...bars.map(({ share }) => share))],
    },
    y: namedRows(bars.map(({ label }) => label)),
    marks: [
      plot.barX(bars, { x: "share", y: "i", fill: "fill", insetTop: 2, insetBottom: 2, title: "title" }),
      plot.text(bars, { x: "share", y: "i", text: "text", textAnchor: "start", dx: 4 }),
    ],
  });
  return figure(title, drawing);
}

function numbersPlot(
  { plot, draw }: Pen,
  title: Markup,
  { name }: LogColumn,
  { bins, min, median, max }: Extract<ColumnShape, { kind: "numbers" }>,
): Markup {
  const bars = bins.map(({ from, to, rows }, i) => ({
    ...{ from, to, rows },
    title: `${i === 0 && min < from ? "up to" : `${short(from)} to`} ${i === bins.length - 1 && max > to ? "the maximum" : short(to)}: ${countText(rows, "row")}`,
  }));
  const facts = `minimum ${short(min)}, median ${short(median)}, maximum ${short(max)}`;
  const drawing = draw(`histogram of ${shortened(name, NAME)}: ${facts}`, {
    height: 150,
    marginLeft: 44,
    marginRight: 12,
    x: { label: null, ticks: 5, tickFormat: short },
    y: { label: null, grid: true, ticks: 3, tickFormat: "~s", zero: true },
    marks: [
      plot.rectY(bars, { x1: "from", x2: "to", y: "rows", fill: BLUE, insetRight: 0.5, title: "title" }),
    ],
  });
  return figure(html`${title} <small>${facts}</small>`, drawing);
}

function repeats({ duplicates: { rows, share, exact }, rows: all }: LogContent): Section {
  const about = exact ? "" : "about ";
  return {
    id: "repeats",
    title: "Repeated rows",
    body: html`<p>
      ${about}${countText(rows, "row")} of ${whole(all)} (${percent(share)}) repeat an earlier row in every
      cell${rows > 0 ? "; --dedupe drops them" : ""}.
    </p>`,
  };
}

function firstRows({ columns }: LogContent): Section | undefined {
  const shown = columns.slice(0, MOST_LISTED);
  const numRows = Math.max(0, ...shown.map(({ first }) => first.length));
  if (numRows === 0) return undefined;
  const rows = Array.from({ length: numRows }, (_, row) =>
    shown.map(({ first }) => html`<span class="key">${shortened(first[row] ?? "", CELL)}</span>`),
  );
  return {
    id: "rows",
    title: "First rows",
    body: html`<div class="cells">
      ${htmlTable(
        shown.map(({ name }) => shortened(name, NAME)),
        rows,
        shown.length,
      )}
    </div>`,
  };
}

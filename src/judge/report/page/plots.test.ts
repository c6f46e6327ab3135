// Tests that each plot shows the numbers that it was given.

import { parseHTML } from "linkedom";
import { reportedRun, reportedTable } from "../../../testing/reported.js";
import { calibration, wilson } from "./calibration.js";
import type { Gate, ItemMap, ReportedRun } from "./content.js";
import { drift } from "./drift.js";
import { facts } from "./facts.js";
import { gates, neighbors } from "./page.js";
import { history } from "./history.js";
import { importances } from "./importances.js";
import { itemMaps } from "./item-map.js";
import { learningCurves } from "./learning-curves.js";
import { metrics } from "./metrics.js";
import { norms } from "./norms.js";
import { instant } from "./html.js";
import { loadPen, type Pen, type Section } from "./plot.js";
import { scree } from "./scree.js";
import { searches } from "./search.js";
import { style } from "./document.js";

let pen: Pen;
beforeAll(async () => {
  pen = await loadPen();
});

interface Found {
  textContent: string;
  getAttribute(name: string): string | null;
}

/** Returns the elements of a section that match a selector. */
function within(section: Section | undefined, selector: string): Found[] {
  const { document } = parseHTML(`<html><body>${section!.body.text}</body></html>`);
  return [...document.querySelectorAll(selector)] as unknown as Found[];
}
const titles = (section: Section | undefined) =>
  within(section, "figure > svg title").map((title) => title.textContent);
const rowsOf = (section: Section | undefined) =>
  within(section, "tbody tr").map((row) =>
    row.textContent
      .trim()
      .split(/\s*\n\s*/)
      .join(" | "),
  );

test("learning curves mark the last epoch that was the best, and list the losses", () => {
  const section = learningCurves(pen, [reportedRun()]);
  expect(titles(section)).toEqual(["best: epoch 2, 0.6"]);
  expect(rowsOf(section)).toHaveLength(3);
  expect(within(section, "figure > svg path[d]").length).toBeGreaterThanOrEqual(2);
});

test("thousands of trees are drawn by some of them, the best and the last among these", () => {
  const lines = Array.from({ length: 5000 }, (_, i) => ({
    epoch: i + 1,
    trainLoss: 1 / (i + 1),
    validLoss: 1 + Math.abs(i - 3210) / 1e4,
    best: i <= 3210,
  }));
  const section = learningCurves(pen, [reportedRun({ lines })]);
  expect(titles(section)).toEqual(["best: epoch 3211, 1"]);
  const longest = Math.max(
    ...within(section, "path[d]").map((path) => path.getAttribute("d")!.split("L").length),
  );
  expect(longest).toBeLessThan(310);
  expect(rowsOf(section).length).toBeLessThan(40);
});

test("a loss of another trainer leaves the scale alone, unless it is the same loss", () => {
  const other = reportedRun({ name: "other", lines: [{ epoch: 1, trainLoss: 900 }] });
  other.manifest = { ...other.manifest, command: "train-als" };
  const firstPlot = () => within(learningCurves(pen, [reportedRun(), other]), "figure > svg")[0]!.textContent;
  expect(firstPlot()).toContain("800");
  other.manifest = { ...other.manifest, metrics: {} };
  expect(firstPlot()).not.toContain("800");
});

test("runs of one loss are drawn to one scale, and rankings by their metrics", () => {
  const high = reportedRun({
    name: "high",
    lines: [
      { epoch: 1, trainLoss: 7, validLoss: 8 },
      { epoch: 2, trainLoss: 6, validLoss: 8 },
    ],
  });
  const ranked = reportedRun({
    name: "ranked",
    lines: [1, 2].map((epoch) => ({ epoch, recallAt20: epoch / 10 })),
  });
  const section = learningCurves(pen, [reportedRun(), high, ranked]);
  const labels = within(section, "figure > svg").map((svg) => svg.getAttribute("aria-label"));
  expect(labels.map((label) => /(?:of|rows of) run (\w+)/.exec(label!)![1])).toEqual([
    "week",
    "high",
    "ranked",
  ]);
  // the axis of the first plot extends to 8, the largest loss
  const [first] = within(section, "figure > svg");
  expect(first!.textContent).toContain("8");
  expect(labels[2]).toContain("recall@20");
});

test("Wilson's interval is that of the published example: 81 of 263 lie in 0.2553 to 0.3662", () => {
  const { low, high } = wilson(81 / 263, 263);
  expect([low.toFixed(4), high.toFixed(4)]).toEqual(["0.2553", "0.3662"]);
});

test("calibration has a dot a bin and its interval, and the same in numbers", () => {
  const bins = [
    { rows: 100, predicted: 0.1, observed: 0.12 },
    { rows: 100, predicted: 0.5, observed: 0.4 },
  ];
  const section = calibration(pen, [reportedRun({ calibration: bins })], "the test part");
  expect(titles(section)).toEqual([
    "week, bin 1 of 2: 100 rows\npredicted 0.1, observed 0.12",
    "week, bin 2 of 2: 100 rows\npredicted 0.5, observed 0.4",
  ]);
  expect(within(section, 'g[stroke-opacity="0.4"] line')).toHaveLength(2);
  expect(rowsOf(section)).toHaveLength(2);
  expect(calibration(pen, [reportedRun()])).toBeUndefined();
});

test("a scree plot has a bar a component, and what the first ones explain together", () => {
  const lines = [0.5, 0.25, 0.125].map((explainedVarianceRatio, i) => ({
    component: i + 1,
    explainedVarianceRatio,
  }));
  const section = scree(pen, [reportedRun({ lines })]);
  expect(titles(section)).toEqual(["component 1: 50.00 %", "component 2: 25.00 %", "component 3: 12.50 %"]);
  expect(rowsOf(section).at(-1)).toMatch(/87\.50 %/);
  expect(scree(pen, [reportedRun()])).toBeUndefined();
});

test("importances are shares of all gain, columns that no tree asks left out of the drawing", () => {
  const columns = [
    { column: "age", splits: 10, gain: 3 },
    { column: "hour", splits: 5, gain: 1 },
    { column: "never", splits: 0, gain: 0 },
  ];
  const section = importances(pen, [reportedRun({ importances: columns })]);
  expect(titles(section)).toEqual([
    "age: 75.00 % of the gain, 10 splits",
    "hour: 25.00 % of the gain, 5 splits",
  ]);
  expect(rowsOf(section)).toHaveLength(3);
});

test("columns whose names begin alike keep a bar each", () => {
  const columns = ["a", "b"].map((end) => ({ column: `${"x".repeat(50)}${end}`, splits: 1, gain: 1 }));
  expect(titles(importances(pen, [reportedRun({ importances: columns })]))).toHaveLength(2);
});

test("norms are counted in bins, and drawn by events", () => {
  const section = norms(pen, [reportedRun({ table: reportedTable() })]);
  const found = titles(section);
  expect(found.filter((title) => title.includes("1 row of length"))).toHaveLength(3);
  expect(found).toContain("pot\n30 events, length 3");
});

test("vectors that are all zero are one bar at nought", () => {
  const zero = { field: "item_id", norms: new Float64Array(5), zeros: 5 };
  const section = norms(pen, [reportedRun({ table: reportedTable({ norms: [zero] }) })]);
  expect(titles(section)).toEqual([expect.stringContaining("5 rows of length 0")]);
});

/** Returns a run with a two-dimensional map of two items, for the plot of such maps. */
function mapped(layouts: ItemMap["layouts"]): ReportedRun {
  const points = [
    { key: "1", name: "Tea", count: 2, label: 0, cell: "hot|drink" },
    { key: "2", count: 1 },
  ];
  const map = { points, layouts, column: "kind", labels: [{ label: "hot", points: 1 }] };
  return reportedRun({ table: reportedTable({ map, rows: 2 }) });
}
const places = Float64Array.of(0, 0, 1, 1);

test("a map has a dot a key with its name, colored by label, what has none in grey below", () => {
  const section = itemMaps(pen, [mapped([{ by: "pca", places, explained: 0.5 }])]);
  expect(titles(section)).toEqual(["2\n1 event", "Tea (1)\nhot|drink\n2 events"]);
  const fills = within(section, "figure > svg circle").map((circle) => circle.getAttribute("fill"));
  expect(fills).toEqual(["var(--others)", "#4269d0"]);
  expect(within(section, ".legend li").map((entry) => entry.textContent.trim())).toEqual([
    "hot 1",
    "others 1",
  ]);
  expect(within(section, ".names text").map((text) => text.textContent)).toEqual(["Tea", "2"]);
});

test("PCA and UMAP stand side by side with the same keys in the same order, and say what they keep", () => {
  const layouts: ItemMap["layouts"] = [
    { by: "pca", places, explained: 0.25, kept: { share: 0.125, of: 10 } },
    { by: "umap", places: places.map((x) => -x), kept: { share: 0.5, of: 10 } },
  ];
  const section = itemMaps(pen, [mapped(layouts)]);
  expect(
    within(section, ".pair figcaption").map(({ textContent }) =>
      textContent.replaceAll("\u00A0", " ").trim(),
    ),
  ).toEqual([
    "PCA 2 keys · 25 % of the variance · keeps 13 % of the 10 nearest",
    "UMAP 2 keys · keeps 50 % of the 10 nearest",
  ]);
  const [one, two, ...rest] = titles(section);
  expect(rest).toEqual([one, two]);
  expect(section!.lead).toMatchObject({ text: expect.stringContaining("how far apart groups are") });
  const alone = itemMaps(pen, [mapped(layouts.slice(0, 1))]);
  expect(alone!.lead).not.toMatchObject({ text: expect.stringContaining("UMAP") });
});

test("neighbors of one key stand below each other by run, a key that a run lacks is said to be so", () => {
  const runs: ReportedRun[] = [
    reportedRun({ table: reportedTable() }),
    reportedRun({ name: "next", table: reportedTable({ neighbors: [] }) }),
    reportedRun({
      name: "third",
      table: reportedTable({ neighbors: [{ key: "tea", count: 1, nearest: [] }] }),
    }),
  ];
  const section = neighbors(runs);
  expect(within(section, "article")).toHaveLength(1);
  expect(within(section, ".near li").map((one) => one.textContent.trim())).toEqual(["pot0.500"]);
  expect(within(section, ".quiet")[0]!.textContent).toContain("near nothing");
});

test("drift tells what came and went, and how the metrics changed", () => {
  const field = {
    field: "item_id",
    rows: { a: 3, b: 4, both: 2, gained: 2, lost: 1 },
    norms: { a: 1, b: 2 },
    neighborOverlap: 0.25,
    displacement: { mean: 0.1, median: 0.05, p90: 0.2 },
    byRow: Float64Array.of(0, 0.2),
    moved: [{ key: "tea", displacement: 0.2 }],
  };
  const change = { against: "last", k: 10, fields: [field], metrics: { test: { logLoss: 0.45, auc: 0.8 } } };
  const section = drift(pen, [reportedRun({ drift: change })]);
  const rows = rowsOf(section).join("\n");
  expect(rows).toMatch(/item_id.*2.*2.*1.*25\.0 %/);
  expect(rows).toMatch(/test: log loss.*0\.4500.*0\.4000.*−0\.0500/);
  expect(titles(section).filter((title) => title.startsWith("1 rows moved"))).toHaveLength(2);
});

test("a history has a line a metric and one of what changed, the newest version first in numbers", () => {
  const points = [0.7, 0.75, 0.8].map((auc, i) => ({
    version: `00000${i + 1}`,
    rows: 100 + i,
    metrics: { test: { auc } },
    ...(i > 0 && {
      keys: 50,
      change: { gained: 3, lost: 1, neighborOverlap: 0.5 + i / 10, median: 0.1, p90: 0.2 },
    }),
  }));
  const run = reportedRun({ history: points });
  run.manifest.metrics = { test: { auc: 0.8 } };
  const section = history(pen, [run]);
  const captions = within(section, "figcaption").map((caption) => caption.textContent.trim());
  expect(captions).toEqual([
    "test: AUC now 0.8000",
    "neighbors kept now 70.0 %",
    "displacement, median and 90 % now 0.1000",
  ]);
  expect(titles(section)).toContain("version 2: 0.7500");
  expect(rowsOf(section)[0]).toMatch(/000003.*102.*50.*3.*1.*0\.8000.*70\.0 %/);
  expect(rowsOf(section)[2]).not.toMatch(/%/);
  expect(history(pen, [reportedRun({ history: points.slice(0, 1) })])).toBeUndefined();
});

test("gates say which failed, in words and not by color alone", () => {
  const all: Gate[] = [
    { gate: "rows", bound: ">= 10", value: 20, previous: 19, status: "passed", message: "fine" },
    { gate: "auc", bound: ">= 0.7", value: 0.5, previous: null, status: "failed", message: "AUC fell" },
    { gate: "rows", bound: "within 30%", value: 20, previous: null, status: "notCompared", message: "" },
    { gate: "norm", bound: "none", value: 2, previous: null, status: "measured", message: "" },
  ];
  const rows = rowsOf(gates([reportedRun({ gates: all })]));
  expect(rows[0]).toMatch(/rows.*passed.*20.*19/);
  expect(rows[1]).toMatch(/auc.*failed.*AUC fell.*0\.5.*–/);
  expect(rows[2]).toMatch(/rows.*– not compared.*within 30%/);
  expect(rows.slice(2).join()).not.toMatch(/passed|✓/);
});

test("a value without a bound is neither passed nor green, and says so", () => {
  const measured: Gate[] = [
    { gate: "norm", bound: "none", value: 2, previous: null, status: "measured", message: "" },
  ];
  const section = gates([reportedRun({ gates: measured })]);
  expect(within(section, ".passed, .failed")).toEqual([]);
  expect(within(section, ".measured").map((mark) => mark.textContent)).toEqual(["no bound"]);
  expect(style).toMatch(/\.measured \{ color: var\(--soft\)/);
});

test("times are dates in UTC: of gates, of the newest event of a run and of versions", () => {
  const [now, last] = [Date.UTC(2013, 6, 31, 0, 12, 44), Date.UTC(2013, 6, 24)];
  const newest: Gate[] = [
    { gate: "newest", bound: "none", value: now, previous: last, status: "measured", message: "" },
  ];
  const run = reportedRun({ gates: newest });
  run.manifest.split.newest = now;
  expect(rowsOf(gates([run]))[0]).toMatch(/2013-07-31 00:12:44 UTC.*2013-07-24 00:00:00 UTC/s);
  expect(facts([run]).body.text).toContain("2013-07-31 00:12:44 UTC");
  const versions = [last, now].map((time, i) => ({
    version: `00000${i + 1}`,
    rows: 1,
    newest: time,
    metrics: { test: { auc: 0.5 } },
  }));
  expect(rowsOf(history(pen, [reportedRun({ history: versions })]))[0]).toMatch(/000002.*2013-07-31/);
  // an invalid time in a damaged manifest does not throw
  expect(instant(1e300)).toBe("1.00e+300 ms");
});

test("names stand beside keys in norms and in drift", () => {
  const moved = [{ key: "85123A", name: "Tea pot", displacement: 0.2 }];
  const field = {
    ...{ field: "item_id", rows: { a: 2, b: 2, both: 2, gained: 0, lost: 0 }, norms: { a: 1, b: 1 } },
    ...{ byRow: Float64Array.of(0, 0.2), moved },
  };
  const run = reportedRun({ drift: { against: "last", k: 10, fields: [field], metrics: {} } });
  expect(rowsOf(drift(pen, [run])).join()).toContain("Tea pot 85123A");
  const byCount = [1, 2].map((n) => ({ key: `k${n}`, name: `Cup ${n}`, count: n, norm: n }));
  const lengths = [{ field: "item_id", norms: Float64Array.of(1, 2), zeros: 0, byCount }];
  const shown = norms(pen, [reportedRun({ table: reportedTable({ norms: lengths }) })]);
  expect(titles(shown)).toContain("Cup 2 (k2)\n2 events, length 2");
});

test("the best metric is bold among runs of the same held-out rows alone", () => {
  const worse = reportedRun({ name: "worse" });
  worse.manifest.metrics = { test: { logLoss: 0.5, auc: 0.9 } };
  const bold = (section: Section | undefined) => within(section, "strong").map((one) => one.textContent);
  expect(bold(metrics([reportedRun(), worse]))).toEqual(["0.4000", "0.9000"]);
  worse.manifest.inputs = [{ path: "other.csv", bytes: 1, sha256: "cd".repeat(32) }];
  const apart = metrics([reportedRun(), worse]);
  expect(bold(apart)).toEqual([]);
  expect(apart!.lead).toMatchObject({ text: expect.stringContaining("cannot be compared") });
});

test("a search shows each setting by its order and by each option that varies, and lists them", () => {
  const trials = [
    { trial: 1, options: { dim: 16, learningRate: 0.05 }, epochs: 3, bestEpoch: 2, value: 0.6, curve: [] },
    { trial: 2, options: { dim: 16, learningRate: 0.2 }, epochs: 4, bestEpoch: 3, value: 0.5, curve: [] },
    {
      ...{ trial: 3, options: { dim: 16, learningRate: 1 }, epochs: 0, bestEpoch: 0, value: null, curve: [] },
      failed: "<b>diverged</b>",
    },
  ].map((line) => (line.trial === 2 ? { ...line, chosen: true as const } : line));
  const run = reportedRun({ trials });
  const difference = { value: -0.1, low: -0.15, high: -0.05 };
  run.manifest.searchedBy = { metric: "logLoss", default: 0.6, difference };
  const section = searches(pen, [run]);
  // the larger dot is drawn first, below the smaller one
  expect(titles(section)).toEqual([
    "setting 2: 0.5; dim 16, learningRate 0.2",
    "setting 1: 0.6; dim 16, learningRate 0.05",
    "setting 2: 0.5; dim 16, learningRate 0.2",
    "setting 1: 0.6; dim 16, learningRate 0.05",
  ]);
  expect(within(section, "figcaption").map(({ textContent }) => textContent)).toEqual([
    "validation log loss, best less default (0.60000): -0.10, 95 % interval -0.15 to -0.050; this split chose the best " +
      "of 3, so expect less on other rows",
    "learningRate",
  ]);
  expect(within(section, "tbody tr > *").map(({ textContent }) => textContent.trim())).toEqual([
    ...["1", "dim 16, learningRate 0.05", "3", "0.6"],
    ...["2 (chosen)", "dim 16, learningRate 0.2", "4", "0.5"],
    ...["3", "dim 16, learningRate 1", "0", "<b>diverged</b>"],
  ]);
  expect(section!.body.text).not.toContain("<b>diverged");
  expect(searches(pen, [reportedRun()])).toBeUndefined();
});

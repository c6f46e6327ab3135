// Tests the whole page: the sections that it contains, and the markup that it must not contain.

import { reportedRun, reportedTable } from "../../../testing/reported.js";
import type { ReportedDrift, ReportContent, ReportedRun } from "./content.js";
import { reportPage } from "./page.js";

const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>`;

/** Returns a run with all optional parts; `text` occurs in each place that shows data of the log. */
function fullRun(name: string, text = "tea"): ReportedRun {
  const run = reportedRun({ name, path: text });
  const drift: ReportedDrift = {
    against: text,
    k: 10,
    metrics: { test: { logLoss: 0.5 } },
    fields: [
      {
        field: text,
        rows: { a: 3, b: 3, both: 3, gained: 0, lost: 0 },
        norms: { a: 1, b: 1 },
        neighborOverlap: 0.5,
        displacement: { mean: 0.1, median: 0.1, p90: 0.2 },
        byRow: Float64Array.of(0, 0.1, NaN),
        sampled: 2,
        moved: [{ key: text, name: text, displacement: 0.1 }],
      },
    ],
  };
  return {
    ...run,
    manifest: {
      ...run.manifest,
      command: text,
      model: text,
      options: { [text]: text, list: [text] },
      inputs: [{ path: text, bytes: 1, sha256: "00".repeat(32) }],
      roles: { user: text },
      warnings: [text],
      init: { run: text, trees: 3 },
    },
    lines: [
      ...run.lines,
      { component: 1, explainedVarianceRatio: 0.5 },
      { component: 2, explainedVarianceRatio: 0.3 },
    ],
    importances: [{ column: text, splits: 3, gain: 2 }],
    shares: {
      parts: ["item", text],
      buckets: [
        { from: 1, to: 1, items: 3, shares: [0.25, 0.75] },
        { from: 10, items: 2, shares: [0.5, 0.5] },
      ],
    },
    calibration: [
      { rows: 10, predicted: 0.1, observed: 0.2 },
      { rows: 10, predicted: 0.4, observed: 0.3 },
    ],
    drift,
    history: [1, 2].map((n) => ({
      version: `00000${n}`,
      rows: n,
      metrics: { test: { logLoss: n } },
      keys: 3,
      change: { gained: 0, lost: 0, neighborOverlap: 0.5, median: 0.1, p90: 0.2 },
    })),
    gates: [{ gate: text, bound: text, value: 1, previous: null, status: "failed", message: text }],
    table: reportedTable({
      field: text,
      note: text,
      norms: [
        {
          field: text,
          norms: Float64Array.of(1, 2, 3),
          zeros: 0,
          byCount: [1, 2, 3].map((n) => ({ key: text, name: text, count: n, norm: n })),
        },
      ],
      map: {
        points: [0, 1, 2].map(() => ({ key: text, name: text, cell: text, count: 1, label: 0 })),
        layouts: (["pca", "umap"] as const).map((by) => ({
          by,
          places: Float64Array.of(0, 0, 1, 1, 2, 0),
          explained: 0.5,
          kept: { share: 0.5, of: 10 },
        })),
        column: text,
        labels: [{ label: text, points: 3 }],
      },
      neighbors: [
        { key: text, name: text, count: 1, nearest: [{ key: text, name: text, count: 1, similarity: 1 }] },
      ],
    }),
  };
}

const content = (...runs: ReportedRun[]): ReportContent => ({
  version: "0.1.0",
  runs,
  absent: [],
  scoredOn: "the test part",
});
const idsOf = (page: string) => [...page.matchAll(/<section id="([a-z]+)"/g)].map(([, id]) => id);

test("a run that has everything has every section, in the order in which a table is judged", async () => {
  const page = await reportPage(content(fullRun("a"), fullRun("b")));
  const sections =
    "metrics learning calibration importances shares scree map neighbors norms drift history gates facts";
  expect(idsOf(page)).toEqual(sections.split(" "));
});

test("what a run lacks has no section, and a sentence says why", async () => {
  const imported = reportedRun({ lines: [] });
  imported.manifest.metrics = {};
  const page = await reportPage({ ...content(imported), absent: ["calibration: nothing <b>held</b> out"] });
  expect(idsOf(page)).toEqual(["facts", "absent"]);
  expect(page).toContain("nothing &lt;b&gt;held&lt;/b&gt; out");
});

test("texts of the data stay texts in every place that shows one", async () => {
  const page = await reportPage(content(fullRun(evil, evil), fullRun("other", evil)));
  expect(page.match(/<script/g)).toHaveLength(1);
  expect(page).not.toContain("<img");
  expect(page).not.toContain("alert(1)</script>");
  // a quote in the data does not end an attribute
  expect(page.match(/="[^"]*"><script/g)).toBeNull();
});

test("the same content gives the same page, again and in another order of making", async () => {
  const one = await reportPage(content(fullRun("a"), fullRun("b")));
  await reportPage(content(fullRun("c")));
  expect(await reportPage(content(fullRun("a"), fullRun("b")))).toBe(one);
});

test("nothing is asked for from elsewhere: no address, no import, and a policy that forbids both", async () => {
  const page = await reportPage(content(fullRun("a")));
  expect(page.replaceAll("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|@import|url\(|<link|src=/);
  expect(page).toContain("default-src &#39;none&#39;");
  expect(page).toContain('name="viewport"');
});

test("every drawing has words for those who cannot see it", async () => {
  const page = await reportPage(content(fullRun("a"), fullRun("b")));
  const drawings = [...page.matchAll(/<figure[^>]*>[\s\S]*?<svg ([^>]*)>/g)].map(
    ([, attributes]) => attributes,
  );
  expect(drawings.length).toBeGreaterThan(10);
  expect(drawings.filter((attributes) => !/role="img" aria-label="[^"]{20,}"/.test(attributes))).toEqual([]);
});

test("no coordinate has more than two decimals", async () => {
  const page = await reportPage(content(fullRun("a")));
  const attributes = [...page.matchAll(/ (?:d|transform|cx|cy|x|y|x1|x2|y1|y2|width|height)="([^"]*)"/g)];
  expect(attributes.filter(([, value]) => /\.\d{3}/.test(value)).map(([all]) => all)).toEqual([]);
});

// Every training reports the gain of its vectors over a control, on logs with planted groups and on the same logs
// without them.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { GateOutcome } from "../table/gate-file.js";
import type { Manifest, Metrics, VectorsAdd } from "../table/manifest.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { integerBelow, mulberry32 } from "../testing/random.js";
import { shop } from "../testing/shop.js";
import { trainers } from "../trainers/index.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const WARNING = "nothing shows that the vectors mean anything";

interface Said {
  vectorsAdd?: VectorsAdd;
  metrics: Record<string, Metrics>;
  warnings: string[];
  /** folder of the run */
  run: string;
}

const runs = new Map<string, Said>();
/** Trains and returns the summary; a training that several tests request is done once. */
async function trained(command: string, log: string, ...args: string[]): Promise<Said> {
  const words = [command, at(log), ...args];
  const known = runs.get(words.join(" "));
  if (known) return known;
  const run = at(`run-${runs.size}`);
  const { stdout } = await embedOk([...words, "-o", run, "--json"]);
  const summary = { ...parseJson<Said>(stdout), run };
  runs.set(words.join(" "), summary);
  return summary;
}
const said = ({ warnings }: Said) => warnings.filter((text) => text.startsWith(WARNING));

const GROUPS = 6;

/** Returns users with sessions of three items each: items of the user's group if `hasGroups`, else any items. */
function events(hasGroups: boolean): string {
  const random = mulberry32(7);
  const lines = ["user_id,item_id,session_id"];
  for (let session = 0; session < 1800; session++) {
    const user = integerBelow(200, random);
    const group = user % GROUPS;
    for (let n = 0; n < 3; n++) {
      // few items have many of the events
      const rank = Math.min(integerBelow(20, random), integerBelow(20, random));
      lines.push(
        `u${user},i${rank * GROUPS + (hasGroups ? group : integerBelow(GROUPS, random))},s${session}`,
      );
    }
  }
  return `${lines.join("\n")}\n`;
}

/**
 * Returns edges between nodes of the same group if `hasGroups`, else between any nodes; nodes with low numbers have
 * more edges.
 */
function edges(hasGroups: boolean): string {
  const random = mulberry32(8);
  const node = (group: number) =>
    GROUPS * Math.min(integerBelow(40, random), integerBelow(40, random), integerBelow(40, random)) + group;
  const seen = new Set<string>();
  while (seen.size < 1500) {
    const group = integerBelow(GROUPS, random);
    const [u, v] = [node(group), node(hasGroups ? group : integerBelow(GROUPS, random))].sort(
      (a, b) => a - b,
    );
    if (u !== v) seen.add(`n${u},n${v}`);
  }
  return `from,to\n${[...seen].join("\n")}\n`;
}

beforeAll(() => {
  for (const preferences of [true, false]) {
    const impressions = shop({ preferences }).days.map(({ impressions: csv }) => csv);
    const all = impressions.map((csv, day) => (day === 0 ? csv : csv.slice(csv.indexOf("\n") + 1))).join("");
    writeFileSync(at(`clicks-${preferences}.csv`), all);
    writeFileSync(at(`events-${preferences}.csv`), events(preferences));
    writeFileSync(at(`edges-${preferences}.csv`), edges(preferences));
  }
});

const FM = ["--valid", "0.2", "--threads", "2"];
const RANKER = ["--valid", "0.2", "--dim", "8"];
const kinds: [command: string, log: string, control: string, metric: string, args: string[]][] = [
  ["train-fm", "clicks", "weights alone", "logLoss", FM],
  ["train-net", "clicks", "weights alone", "logLoss", ["--arch", "fnn", "--hidden", "32,16", ...FM]],
  ["train-pca", "events", "popularity", "ndcgAt20", RANKER],
  ["train-als", "events", "popularity", "ndcgAt20", RANKER],
  ["train-ranking", "events", "popularity", "ndcgAt20", RANKER],
  ["train-two-tower", "events", "popularity", "ndcgAt20", ["--history", "others", ...RANKER]],
  ["train-item2vec", "events", "popularity", "pairLoss", ["--session", "session_id", ...RANKER]],
  ["train-graph", "edges", "degrees", "edgeAuc", ["--source", "from", "--target", "to", ...RANKER]],
];

test.each(kinds)(
  "%s on %s: planted groups add to %s, noise adds nothing and warns",
  async (command, log, control, metric, args) => {
    const planted = await trained(command, `${log}-true.csv`, ...args);
    expect(planted.vectorsAdd).toMatchObject({ control, metric });
    expect(planted.vectorsAdd!.low).toBeGreaterThan(0);
    expect(said(planted)).toEqual([]);

    const noise = await trained(command, `${log}-false.csv`, ...args);
    expect(noise.vectorsAdd).toMatchObject({ control, metric });
    expect(noise.vectorsAdd!.low).toBeLessThanOrEqual(0);
    expect(said(noise)).toEqual([expect.stringContaining(control)]);
  },
);

test("every trainer is tried here", () => {
  const tried = new Set([...kinds.map(([command]) => command), "train-gbdt"]);
  expect(tried).toEqual(new Set(trainers.map(({ command }) => command)));
});

test("train-gbdt: leaves add to the mean label, and with a head to the values of the leaves", async () => {
  const trees = await trained("train-gbdt", "clicks-true.csv", "--valid", "0.2", "--num-trees", "20");
  expect(trees.vectorsAdd).toMatchObject({ control: "mean label", metric: "logLoss", units: "rows" });
  // the control predicts the mean label; its loss is the model's loss divided by the model's normalized entropy
  const { logLoss, normalizedEntropy } = trees.metrics["valid"]!;
  expect(trees.vectorsAdd!.value).toBeCloseTo(logLoss! / normalizedEntropy! - logLoss!, 2);
  const args = ["--head", "lr", "--valid", "0.2", "--num-trees", "20"];
  expect(await trained("train-gbdt", "clicks-true.csv", ...args)).toMatchObject({
    vectorsAdd: { control: "leaf values", metric: "logLoss" },
  });
});

test("clicks that say nothing beyond popularity: the summary says what to try, and weights alone have no such line", async () => {
  const { stdout, stderr } = await embedOk(["train-fm", at("clicks-false.csv"), "-o", at("fm"), ...FM]);
  expect(stdout).toMatch(
    /^vectors add: log loss higher by .* \(95 % interval .* to .*\) than weights alone, 2,400 rows$/m,
  );
  expect(stderr).toMatch(
    new RegExp(
      `warning: ${WARNING}.*embed compare LOG --goal lists --positive-from 1 -o lists.html .*a linear model`,
    ),
  );
  const lr = await trained("train-fm", "clicks-false.csv", "--model", "lr", ...FM);
  expect(lr).not.toHaveProperty("vectorsAdd");
  expect(said(lr)).toEqual([]);
});

test("the figure is the same at any number of threads, stays through a refit, and stands in the manifest", async () => {
  const one = await trained("train-fm", "clicks-true.csv", "--valid", "0.2", "--threads", "1");
  const two = await trained("train-fm", "clicks-true.csv", ...FM, "--refit");
  expect(two.vectorsAdd).toEqual(one.vectorsAdd);
  const manifest = readJson<Manifest>(join(two.run, "manifest.json"));
  expect(manifest.vectorsAdd).toEqual(one.vectorsAdd);
  expect(manifest.refit).toBeDefined();
  const none = await trained("train-fm", "clicks-true.csv");
  expect(none).not.toHaveProperty("vectorsAdd");
});

test("embed gate bounds the low end of the interval, and a run without the figure fails", async () => {
  writeFileSync(at("bounds.yaml"), "after:\n  vectorsAdd: {min: 0}\n");
  const gate = async (log: string, ...args: string[]) => {
    const { run } = await trained("train-fm", log, ...args);
    const { code, stdout } = await embed(["gate", run, "--bounds", at("bounds.yaml"), "--json"]);
    const { outcomes } = parseJson<{ outcomes: GateOutcome[] }>(stdout);
    return { code, outcome: outcomes.find(({ gate: name }) => name === "vectorsAdd") };
  };
  expect(await gate("clicks-true.csv", ...FM)).toMatchObject({
    code: 0,
    outcome: { status: "passed", bound: "min 0" },
  });
  const noise = await gate("clicks-false.csv", ...FM);
  expect(noise.outcome).toMatchObject({ status: "failed" });
  expect(noise.outcome!.message).toMatch(
    /not min 0: nothing shows .* log loss higher by .* 2,400 rows\. .*a linear model.* lower min or remove vectorsAdd$/,
  );
  const { code, outcome } = await gate("clicks-true.csv");
  expect(code).not.toBe(0);
  expect(outcome!.message).toContain(
    "vectorsAdd has no value (the training has no control to compare with, no",
  );
});

describe("the pipeline of embed init", () => {
  let files = 0;
  const inPipeline = async (...args: string[]) => {
    const file = at(`init-${files++}.yaml`);
    const { stderr } = await embedOk(["init", ...args, "-o", file]);
    return { file, stderr, yaml: readFileSync(file, "utf8") };
  };

  test.each(["clicks", "events"])("publishes vectors of planted %s, and none of noise: 81", async (kind) => {
    for (const [isPlanted, codes] of [
      [true, 0],
      [false, 81],
    ] as const) {
      const file = at(`${kind}-${isPlanted}.yaml`);
      await embedOk(["init", at(`${kind}-${isPlanted}.csv`), "-o", file]);
      writeFileSync(file, readFileSync(file, "utf8").replace("store: store", `store: ${kind}-${isPlanted}`));
      const { code, stderr } = await embed(["run", file, "--quiet"]);
      expect([kind, isPlanted, code]).toEqual([kind, isPlanted, codes]);
      expect(existsSync(at(`${kind}-${isPlanted}/items/latest`))).toBe(isPlanted);
      if (!isPlanted)
        expect(stderr).toMatch(/vectorsAdd is -.*: not min 0: nothing shows .*[Tt]ry .*remove vectorsAdd/);
    }
  });

  test("bounds what the vectors of a run add, and warns if the run would fail", async () => {
    const bound = /^ {4}vectorsAdd: \{ min: 0 \}/m;
    const planted = await trained("train-fm", "clicks-true.csv", ...FM);
    const good = await inPipeline("--like", planted.run);
    expect(good.yaml).toMatch(bound);
    expect(good.stderr).not.toContain("vectorsAdd");

    const noise = await trained("train-fm", "clicks-false.csv", ...FM);
    const bad = await inPipeline("--like", noise.run, "--fields", "user_id,item_id");
    expect(bad.yaml).toMatch(bound);
    for (const text of [bad.yaml, bad.stderr])
      expect(text).toMatch(/fails this: .* log loss higher by .* 2,400 rows/);
  });

  test.each([
    ["no validation split", ["train-fm", "clicks-true.csv"], "the training has no validation split (valid)"],
    [
      "a model of weights",
      ["train-fm", "clicks-true.csv", "--model", "lr", ...FM],
      "the training has no control",
    ],
  ])("says that there is no bound with %s", async (_, [command, log, ...args], why) => {
    const { run } = await trained(command!, log!, ...args);
    const { yaml } = await inPipeline("--like", run);
    expect(yaml).toContain(`    # no vectorsAdd: ${why}`);
    expect(yaml).not.toContain("vectorsAdd: {");
  });
});

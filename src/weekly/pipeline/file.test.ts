import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { trainers } from "../../trainers/index.js";
import { readPipeline } from "./file.js";

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "pipeline-file-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const base = "store: store\nlog: log.csv\n";

function written(yaml: string): string {
  const file = join(folder, "shop.yaml");
  writeFileSync(file, yaml);
  return file;
}

test("paths are those of the file's folder, and what is no path stays", async () => {
  writeFileSync(join(folder, "held-out.csv"), "");
  const { store, logs, encoding, trainings, name } = await readPipeline(
    written(`store: ../store
log: [/logs/a.csv, "b/*.csv"]
columns: { side: { items.csv: item_id }, hash-keys: secret }
train:
  items: { command: train-fm, valid: held-out.csv, test: 2026-11-01, init: latest }
`),
  );
  expect({ name, store, logs }).toEqual({
    name: "shop",
    store: join(folder, "../store"),
    logs: ["/logs/a.csv", join(folder, "b/*.csv")],
  });
  expect(encoding).toEqual({
    side: [join(folder, "items.csv:item_id")],
    "hash-keys": join(folder, "secret"),
  });
  expect(trainings[0]!.given).toMatchObject({
    valid: join(folder, "held-out.csv"),
    test: "2026-11-01",
    init: "latest",
    "row-order": "latest",
  });
});

test.each([
  ["held-out rows by share", "train-fm, valid: 0.1", { refit: true, "row-order": "latest" }],
  ["held-out rows by a share in percent", "train-fm, valid: 10%", { refit: true, "row-order": "latest" }],
  ["nothing held out", "train-fm", { "row-order": "latest" }],
  [
    "the file says otherwise",
    "train-fm, valid: 0.1, refit: false, row-order: none",
    { refit: false, "row-order": "none" },
  ],
  ["trees", "train-gbdt, valid: 0.1", { refit: true, "checkpoint-every": 20 }],
  ["trees that go on", "train-gbdt, valid: 0.1, init: latest", { refit: true, "checkpoint-every": 20 }],
  ["components", "train-pca, test: 0.1", { refit: true, "row-order": "latest" }],
  ["a file that is held out", "train-pca, test: ./held-out.csv", { "row-order": "latest" }],
  ["the last events of users", "train-pca, split: last", { refit: true, "row-order": "latest" }],
  ["a share of nothing", "train-pca, test: 0%", { "row-order": "latest" }],
])("refit and row order are defaults where the trainer serves them: %s", async (_, entry, expected) => {
  const { trainings } = await readPipeline(written(`${base}train: { items: { command: ${entry} } }\n`));
  const { given } = trainings[0]!;
  const decided = Object.fromEntries(
    ["refit", "row-order", "checkpoint-every"]
      .filter((name) => name in given)
      .map((name) => [name, given[name]]),
  );
  expect(decided).toEqual(entry.startsWith("train-fm") ? { ...expected, "checkpoint-every": 5 } : expected);
});

describe("what is wrong is said with line and column", () => {
  test.each([
    ["an unknown key", `${base}trian: {}\n`, "shop.yaml:3:1: unknown key 'trian': did you mean 'train'?"],
    [
      "an unknown option of a training",
      `${base}train:\n  items:\n    command: train-fm\n    epocs: 3\n`,
      "shop.yaml:6:5: unknown key 'train.items.epocs': did you mean 'epochs'?",
    ],
    [
      "a value that the flag refuses",
      `${base}train:\n  items: { command: train-fm, dim: many }\n`,
      "shop.yaml:4:31: --dim expects a number, got 'many'",
    ],
    [
      "options that do not go together",
      `${base}train:\n  items: { command: train-fm, noise: popularity }\n`,
      "shop.yaml:4:3: --noise needs --negatives",
    ],
    [
      "an unknown command",
      `${base}train:\n  items: { command: train-fn }\n`,
      `shop.yaml:4:12: 'train.items.command': expected one of ${trainers.map(({ command }) => command).join(", ")}, got`,
    ],
    ["nothing to train", `${base}train: {}\n`, "shop.yaml:3:1: 'train': expected at least one training"],
    ["no store", "log: log.csv\ntrain: { items: { command: train-pca } }\n", "'store': expected string"],
    [
      "an export that leads out of the version",
      `${base}train: { items: { command: train-pca } }\nexport:\n  - { format: npy, out: ../items }\n`,
      "shop.yaml:5:20: expected a path within exports/",
    ],
    [
      "an export of no training",
      `${base}train: { items: { command: train-pca } }\nexport: [{ train: item, format: npy, out: x }]\n`,
      "shop.yaml:4:12: no training is named 'item': did you mean 'items'?",
    ],
    [
      "a bad bound",
      `${base}train: { items: { command: train-pca } }\ngates: { before: { rows: { mim: 3 } } }\n`,
      "shop.yaml:4:28: unknown key 'gates.before.rows.mim': did you mean 'min'?",
    ],
    [
      "standard input",
      'store: s\nlog: ["-"]\ntrain: { items: { command: train-pca } }\n',
      "shop.yaml:2:1: a pipeline cannot read standard input",
    ],
  ])("%s", async (_, yaml, message) => {
    await expect(readPipeline(written(yaml))).rejects.toMatchObject({
      exitCode: 78,
      message: expect.stringContaining(message) as string,
    });
  });
});

test("a folder's name may end with a slash", async () => {
  const { exports } = await readPipeline(
    written(`${base}train: { items: { command: train-fm } }\nexport: [{ format: npy, out: x/, to: y/ }]\n`),
  );
  expect(exports).toMatchObject([{ out: "x", to: join(folder, "y") }]);
});

test.each([
  [
    "{ format: csv, out: x/ }",
    "'x/' is a folder, but csv writes one file: name a file, such as 'x/items.txt'",
  ],
  [
    "{ format: csv, out: x, to: y/ }",
    "'y/' is a folder, but csv writes one file: name a file, such as 'y/x'",
  ],
  ["{ format: csv, out: x }, { format: tsv, out: ./x }", "another export is written to 'x'"],
  ["{ format: npy, out: x }, { format: tsv, out: x/y }", "another export is written to 'x'"],
  ["{ format: csv, out: x, to: z }, { format: tsv, out: y, to: z }", "another export is copied to"],
])("an export has a file of its own: %s", async (entries, message) => {
  await expect(
    readPipeline(written(`${base}train: { items: { command: train-fm } }\nexport: [${entries}]\n`)),
  ).rejects.toMatchObject({ exitCode: 78, message: expect.stringContaining(message) as string });
});

test.each([
  [
    "{ format: redis, url-env: REDIS_URL, into: items, out: a }",
    "'url-env' cannot be combined with 'out' or 'to': write two entries",
  ],
  ["{ format: redis, into: items, url-env: 'redis://:secret@host' }", "name of an environment variable"],
  ["{ format: csv, url-env: REDIS_URL }", "--url-env needs a server format (redis, pgvector), got csv"],
  ["{ format: redis, out: a }", "--into PREFIX"],
  ["{ format: csv }", "missing 'out', or 'url-env' for a server"],
  ["{ format: cvs, out: a }", "unknown format"],
])("an export of a server stands for itself: %s", async (entry, message) => {
  const reading = readPipeline(
    written(`${base}train: { items: { command: train-fm } }\nexport: [${entry}]\n`),
  );
  const error = await reading.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: "ConfigError", place: { line: 4 } });
  expect(String(error)).toContain(message);
  expect(String(error)).not.toContain("secret");
});

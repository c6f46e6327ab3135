// `embed run`: a pipeline from its file to published versions; unchanged steps are skipped; a bad file is reported by
// line and column.

import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { fixture, projectFolder } from "../testing/places.js";

const folder = temporaryFolder();
const [header, ...rows] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");

/** Creates a folder with a log of `n` rows and a pipeline file. */
function place(name: string, yaml: string, n = 3000): string {
  const at = join(folder, name);
  mkdirSync(at);
  writeLog(at, n);
  writeFileSync(join(at, "shop.yaml"), yaml);
  return at;
}

function writeLog(at: string, n: number): void {
  writeFileSync(join(at, "log.csv"), `${[header, ...rows.slice(0, n)].join("\n")}\n`);
}

const simple = `
store: store
log: log.csv
train:
  items: { command: train-fm, dim: 4, epochs: 3, valid: 0.1 }
export:
  - { format: word2vec, field: item, out: items.txt, to: out/items.txt }
`;

/** Runs the pipeline, and returns the outcome of each of its steps. */
async function steps(at: string, ...flags: string[]): Promise<Record<string, string>> {
  const { stdout } = await embedOk(["run", "shop.yaml", "--json", "--quiet", ...flags], { cwd: at });
  const report = parseJson<{ steps: { step: string; outcome: string }[] }>(stdout);
  return Object.fromEntries(report.steps.map(({ step, outcome }) => [step, outcome]));
}

describe("a pipeline", () => {
  let at: string;
  beforeAll(async () => {
    at = place("simple", simple);
    mkdirSync(join(at, "out"));
  });
  const tableOf = (version: string) => readFileSync(join(at, "store/items", version, "embeddings.arrow"));

  test("--dry-run tells what would run and why, and writes nothing", async () => {
    const { stdout } = await embedOk(["run", "shop.yaml", "--dry-run"], { cwd: at });
    expect(stdout).toMatch(/^train items +run +nothing is published yet$/m);
    expect(stdout).toMatch(/^align items +skip +no version to align to$/m);
    expect(existsSync(join(at, "store"))).toBe(false);
  });

  test("publishes a whole run with its gates and exports, and copies what is to be elsewhere", async () => {
    const { stdout, stderr } = await embedOk(["run", "shop.yaml"], { cwd: at });
    expect(stdout).toBe("store/items/000001\n");
    expect(stderr).toMatch(/^encode: 3,000 rows \(/m);
    const version = join(at, "store/items/latest");
    const files = ["manifest.json", "publication.json", "gate.json", "pipeline.json", "exports"];
    expect(readdirSync(version)).toEqual(expect.arrayContaining(files));
    const copied = readFileSync(join(at, "out/items.txt"));
    expect(copied.equals(readFileSync(join(version, "exports/items.txt")))).toBe(true);
    await embedOk(["neighbors", version, "--key", "item:tea-03"], { cwd: at });
  });

  test("trains once more on all rows, and each step gives the bytes of its command", async () => {
    await embedOk(["encode", "log.csv", "-o", "dataset"], { cwd: at });
    const given = ["--dim", "4", "--epochs", "3", "--valid", "0.1", "--refit"];
    await embedOk(["train-fm", "dataset", "-o", "run", ...given], { cwd: at });
    expect(readFileSync(join(at, "run/embeddings.arrow")).equals(tableOf("000001"))).toBe(true);
  });

  test("that is unchanged skips every step and publishes nothing", async () => {
    const { stderr, stdout } = await embedOk(["run", "shop.yaml"], { cwd: at });
    expect(stderr.match(/: skipped: unchanged$/gm)).toHaveLength(7);
    expect(stderr).toMatch(/shop: unchanged in/);
    expect(stdout).toBe("");
    expect(readdirSync(join(at, "store/items")).sort()).toEqual(["000001", "latest"]);
  });

  test("finds a log of another name unchanged, and copies again what is gone outside the store", async () => {
    writeFileSync(join(at, "out/items.txt"), "someone else's");
    writeFileSync(join(at, "renamed.csv"), readFileSync(join(at, "log.csv")));
    writeFileSync(join(at, "shop.yaml"), simple.replace("log.csv", "renamed.csv"));
    const done = await steps(at);
    expect(done).toMatchObject({ encode: "skipped", "publish items": "skipped", "copy items.txt": "done" });
    writeFileSync(join(at, "shop.yaml"), simple);
  });

  test("with another option of an export runs that and publishes the same table", async () => {
    writeFileSync(join(at, "shop.yaml"), simple.replace("field: item,", "field: item, normalize: l2,"));
    const planned = await embedOk(["run", "shop.yaml", "--dry-run"], { cwd: at });
    expect(planned.stdout).toMatch(/^export items.txt +run +changed: exports$/m);
    const done = await steps(at);
    expect(done).toMatchObject({ "export items.txt": "done", "publish items": "done" });
  });

  test("of a longer log trains next to the last version: its keys keep their rows", async () => {
    writeLog(at, 4000);
    const planned = await embedOk(["run", "shop.yaml", "--dry-run"], { cwd: at });
    expect(planned.stdout).toMatch(/^train items +run +changed: log$/m);
    expect(await steps(at)).toMatchObject({ encode: "done", "train items": "done", "publish items": "done" });
    const versions = readdirSync(join(at, "store/items")).sort();
    const { options } = readJson<{ options: Record<string, unknown> }>(
      join(at, "store/items/latest/manifest.json"),
    );
    expect(options["rowOrder"]).toBe(`store/items/${versions.at(-3)}`);
    expect(Object.values(await steps(at)).every((outcome) => outcome === "skipped")).toBe(true);
  });

  test("exports are made again without keys that are forgotten, and the version stands as the job published it", async () => {
    const items = join(at, "store/items/latest/exports/items.txt");
    expect(readFileSync(items, "utf8")).toContain("tea-03");
    const { stdout } = await embedOk(["forget", "store", "item:tea-03"], { cwd: at });
    expect(stdout).toMatch(/^store\/items\/\d+: exports\/items.txt rewritten without them$/m);
    const [head, ...rows] = readFileSync(items, "utf8").trimEnd().split("\n");
    expect(head).toBe(`${rows.length} 4`);
    expect(rows.some((row) => row.startsWith("tea-03 "))).toBe(false);
    expect((await embedOk(["ls", "store"], { cwd: at })).stdout).not.toContain("damaged");
    // the next run trains nothing, but replaces the copy of the export, which still contains the forgotten key
    expect(await steps(at)).toMatchObject({ "publish items": "skipped", "copy items.txt": "done" });
    expect(readFileSync(join(at, "out/items.txt"), "utf8")).not.toContain("tea-03");
  });

  test("--force runs every step to the same bytes", async () => {
    const before = tableOf("latest");
    writeFileSync(join(at, "shop.yaml"), simple.replace("dim: 4", "dim: 4, row-order: none, align: false"));
    await steps(at);
    const again = tableOf("latest");
    const done = await steps(at, "--force");
    expect(done).toMatchObject({ encode: "done", "train items": "done", "publish items": "done" });
    expect(tableOf("latest").equals(again)).toBe(true);
    expect(before.length).toBeGreaterThan(0);
  });
});

test("a failed gate exits 81, publishes nothing, and gate.json says which bound failed", async () => {
  const at = place(
    "gated",
    `${simple}gates: { before: { rows: { within: 10% } }, after: { metrics: { auc: { min: 0.4 } } } }\n`,
  );
  mkdirSync(join(at, "out"));
  await embedOk(["run", "shop.yaml", "--quiet"], { cwd: at });
  writeLog(at, 1000);
  const { code, stderr } = await embed(["run", "shop.yaml", "--quiet"], { cwd: at });
  expect(code).toBe(81);
  expect(stderr).toMatch(/rows.*1,000.*3,000/s);
  const { outcomes } = readJson<{ outcomes: Record<string, unknown>[] }>(
    join(at, "store/.work/shop/items/gate.json"),
  );
  expect(outcomes).toContainEqual(
    expect.objectContaining({ gate: "rows", status: "failed", value: 1000, previous: 3000 }),
  );
  expect(readdirSync(join(at, "store/items")).sort()).toEqual(["000001", "latest"]);
  writeLog(at, 3000);
  expect((await steps(at))["publish items"]).toBe("skipped");
});

test("several trainings read one dataset, warm starts go on from the last version, and all or none are published", async () => {
  const yaml = `
store: store
log: [log.csv]
train:
  items: { command: train-fm, dim: 4, epochs: 2, valid: 0.1, init: latest }
  trees: { command: train-gbdt, num-trees: 5, valid: 0.1 }
  components: { command: train-pca, matrix: features, dim: 3 }
gates: { before: { rows: { min: 100 } } }
export: [{ train: items, format: csv, out: items.csv }]
`;
  const at = place("several", yaml);
  const first = await steps(at);
  expect(Object.keys(first).filter((step) => step.startsWith("train"))).toHaveLength(3);
  writeLog(at, 3500);
  const failing = yaml.replace("num-trees: 5", "num-trees: 5, gates: { metrics: { auc: { min: 1 } } }");
  writeFileSync(join(at, "shop.yaml"), failing);
  expect((await embed(["run", "shop.yaml"], { cwd: at })).code).toBe(81);
  for (const name of ["items", "trees", "components"])
    expect(readdirSync(join(at, "store", name)).sort()).toEqual(["000001", "latest"]);
  // the second run skips the finished steps, because only the bound in the pipeline file has changed
  writeFileSync(join(at, "shop.yaml"), yaml);
  expect(await steps(at)).toMatchObject({
    encode: "skipped",
    "train items": "skipped",
    "train components": "done",
    "publish trees": "done",
  });
  const { init } = readJson<{ init: { run: string } }>(join(at, "store/items/latest/manifest.json"));
  expect(init.run).toBe("store/items/000001");
});

test("a bad pipeline file is 78 with line and column, and nothing is written", async () => {
  const at = place("bad", simple.replace("epochs", "epocs"));
  const { code, stderr } = await embed(["run", "shop.yaml"], { cwd: at });
  const message = "shop.yaml:5:39: unknown key 'train.items.epocs': did you mean 'epochs'?";
  expect({ code, stderr }).toEqual({ code: 78, stderr: expect.stringContaining(message) as string });
  expect(existsSync(join(at, "store"))).toBe(false);
});

test("a log that is missing is 66, and no file at all 64", async () => {
  const at = place("missing", simple.replace("log.csv", "logs/*.csv"));
  expect((await embed(["run", "shop.yaml"], { cwd: at })).code).toBe(66);
  expect((await embed(["run"], { cwd: at })).code).toBe(64);
  expect((await embed(["run", "none.yaml"], { cwd: at })).code).toBe(78);
});

test("--print-schema prints the schema that the build writes", async () => {
  const { stdout } = await embedOk(["run", "--print-schema"]);
  const published = readFileSync(join(projectFolder, "docs", "pipeline.schema.json"), "utf8");
  expect(stdout === published).toBe(true);
});

describe("embed init", () => {
  test.each([
    ["clicks.csv", "train-fm"],
    ["purchases.csv", "train-als"],
    ["ratings.csv", "train-fm"],
  ])("writes a pipeline of %s that runs as it is, with %s", async (log, command) => {
    const at = join(folder, `init-${log}`);
    mkdirSync(at);
    writeFileSync(join(at, log), readFileSync(fixture(log)));
    await embedOk(["init", log, "-o", "pipeline.yaml"], { cwd: at });
    expect(readFileSync(join(at, "pipeline.yaml"), "utf8")).toMatch(/^# A weekly job, made from/);
    expect((await embedOk(["run", "pipeline.yaml"], { cwd: at })).stdout).toBe("store/items/000001\n");
    expect((await embed(["init", log, "-o", "pipeline.yaml"], { cwd: at })).code).toBe(73);
    expect((await embedOk(["init", log], { cwd: at })).stdout).toContain(`command: ${command}`);
  });

  test("writes how the log was read, and names it relative to the file", async () => {
    const at = join(folder, "semicolons");
    mkdirSync(join(at, "jobs"), { recursive: true });
    const text = [header, ...rows].join("\n").replaceAll(",", ";");
    writeFileSync(join(at, "log.txt"), `${text}\n`);
    await embedOk(["init", "log.txt", "-o", "jobs/weekly.yaml", "--delimiter", ";"], { cwd: at });
    const yaml = readFileSync(join(at, "jobs/weekly.yaml"), "utf8");
    expect(yaml).toContain('- "../log.txt"');
    expect(yaml).toContain('delimiter: ";"');
    // runs in another folder than the pipeline file's, as cron does
    const { stdout } = await embedOk(["run", join(at, "jobs/weekly.yaml")], { cwd: folder });
    expect(stdout).toBe(`${join(at, "jobs/store/items/000001")}\n`);
  });

  test("of a log that allows no training unasked is 64 with its columns", async () => {
    const at = join(folder, "bare");
    mkdirSync(at);
    appendFileSync(join(at, "log.csv"), "color,shape\nred,square\nblue,round\n");
    const { code, stderr } = await embed(["init", "log.csv"], { cwd: at });
    expect([code, stderr]).toEqual([64, expect.stringContaining("color, shape")]);
  });
});

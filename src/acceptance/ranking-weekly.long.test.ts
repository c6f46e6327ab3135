// Weekly trainings of train-ranking and train-als: killed and resumed, interrupted and saved, started from an earlier
// run.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines } from "../testing/exported.js";
import { parseJson, readJson } from "../testing/json.js";
import { thirdOfFixture } from "../testing/fixtures.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const [header, ...purchases] = thirdOfFixture("purchases.csv").trimEnd().split("\n");
const roles = ["--user", "customer_id", "--item", "product_id", "--fields", "customer_id,product_id"];
const tasks = {
  bpr: ["train-ranking", "--loss", "bpr"],
  "sampled-softmax": ["train-ranking", "--loss", "sampled-softmax", "--negatives", "64"],
  ccl: ["train-ranking", "--loss", "ccl", "--negatives", "64"],
  layers: ["train-ranking", "--loss", "sampled-softmax", "--similarity", "cosine", "--layers", "2"],
  implicit: ["train-als"],
};

function writeLog(name: string, isIn: (row: string, r: number) => boolean): string {
  writeFileSync(at(name), [header, ...purchases.filter(isIn)].join("\n"));
  return at(name);
}
const isNew = (row: string) => /-0[0-3],/.test(row);
const before = writeLog("before.csv", (row) => !isNew(row));
const after = writeLog("after.csv", (_, r) => r % 2 === 0);
const third = writeLog("third.csv", () => true);

interface Manifest {
  init?: { kept: number; new: number };
  warnings: string[];
  interrupted?: boolean;
}
const manifestOf = (run: string) => readJson<Manifest>(join(at(run), "manifest.json"));
const train = async (log: string, run: string, task: keyof typeof tasks, ...options: string[]) => {
  const fixed = ["--dim", "12", "--epochs", "4", "-o", at(run)];
  return (await embedOk([...tasks[task], log, ...roles, ...fixed, ...options])).stderr;
};
async function vectorsOf(run: string): Promise<Map<string, string>> {
  const { stdout } = await embedOk(["export", at(run), "--format", "jsonl", "--with-weight"]);
  return new Map(
    parseJsonLines(stdout).map(({ field, key, vector, weight }) => [
      `${field} ${key}`,
      `${weight} ${vector.join(" ")}`,
    ]),
  );
}
function bytesOf(run: string): Record<string, string> {
  const files = ["embeddings.arrow", ...readdirSync(join(at(run), "model")).map((name) => `model/${name}`)];
  return Object.fromEntries(
    files.map((name) => [name, readFileSync(join(at(run), name)).toString("base64")]),
  );
}

/** Returns training losses of a run's epochs. */
function lossesOf(run: string): number[] {
  const lines = readFileSync(join(at(run), "metrics.jsonl"), "utf8")
    .trimEnd()
    .split("\n");
  return lines.map((line) => parseJson<{ trainLoss: number }>(line).trainLoss);
}

test.each([
  ["bpr", ["--keep-state", "--patience", "9", "--evaluate-every", "2"]],
  // with fewer negatives, the training might end before it is killed
  ["ccl", ["--keep-state", "--patience", "0", "--learning-rate-decay", "0.1", "--negatives", "256"]],
  ["layers", ["--keep-state", "--in-batch", "--negatives", "64", "--batch-size", "512", "--patience", "0"]],
  ["implicit", ["--patience", "40"]],
] as const)(
  "%s that is killed with -9 and resumed gives the bytes of one that was not",
  async (task, options) => {
    // an epoch through layers takes several times as long as one without
    const log = task === "layers" ? third : fixture("purchases.csv");
    const long = ["--valid", "0.1", "--split", "random", "--epochs", "24", ...options];
    await train(log, `${task}-whole`, task, ...long);
    const again = [...long, "--checkpoint-every", "3", "--resume"];
    const args = [...tasks[task], log, ...roles, "--dim", "12", "-o", at(`${task}-killed`), ...again];
    const killed = await embed(args, { signalWhen: { stderr: /"epoch":8,/, signal: "SIGKILL" } });
    expect(killed.signal).toBe("SIGKILL");
    expect(await train(log, `${task}-killed`, task, ...again, "--threads", "1")).toMatch(
      /resuming after epoch \d+/,
    );
    expect(bytesOf(`${task}-killed`)).toEqual(bytesOf(`${task}-whole`));
  },
);

test.each(["bpr", "implicit"] as const)("--on-interrupt save writes %s's best epoch so far", async (task) => {
  const run = `${task}-saved`;
  const options = ["--dim", "12", "--epochs", "100000", "--on-interrupt", "save", "-o", at(run)];
  const ended = await embed([...tasks[task], fixture("purchases.csv"), ...roles, ...options], {
    signalWhen: { stderr: /"epoch":3,/, signal: "SIGINT" },
  });
  expect(ended.code).toBe(130);
  expect(manifestOf(run).interrupted).toBe(true);
  await embedOk(["evaluate", at(run), "--on", fixture("purchases.csv"), "--ranking", "--repeats", "allow"]);
});

describe.each(["bpr", "sampled-softmax", "ccl", "implicit"] as const)("--init, %s", (task) => {
  const name = (run: string) => `${task}-${run}`;
  beforeAll(() => train(before, name("before"), task));

  test("with --freeze known keeps known rows bit for bit and fits the new ones", async () => {
    await train(after, name("frozen"), task, "--init", at(name("before")), "--freeze", "known");
    const [was, is] = [await vectorsOf(name("before")), await vectorsOf(name("frozen"))];
    const changed = [...was].filter(([key, row]) => is.get(key) !== row);
    const fresh = [...is.keys()].filter((key) => !was.has(key));
    expect(changed).toEqual([]);
    expect(fresh.length).toBe(manifestOf(name("frozen")).init!.new);
    expect(fresh.length).toBeGreaterThan(10);
    expect(fresh.filter((key) => !/[1-9]/.test(is.get(key)!))).toEqual([]);
  });

  test("starts known rows where they were, the same bytes at any number of threads", async () => {
    for (const threads of ["1", "3"])
      await train(after, name(`on-${threads}`), task, "--init", at(name("before")), "--threads", threads);
    expect(bytesOf(name("on-3"))).toEqual(bytesOf(name("on-1")));
    await train(after, name("alone"), task);
    expect(lossesOf(name("on-1"))[0]!).toBeLessThan(lossesOf(name("alone"))[0]!);
  });
});

test("an earlier run's --keep-state goes on as the training would have", async () => {
  for (const task of ["bpr", "ccl", "layers"] as const) {
    const log = third;
    const how = ["--no-shuffle", ...(task === "layers" ? ["--schedule", "inverse"] : [])];
    await train(log, `${task}-half`, task, "--keep-state", ...how);
    await train(log, `${task}-on`, task, "--init", at(`${task}-half`), ...how);
    await train(log, `${task}-reset`, task, "--epochs", "8", ...how);
    // the two trainings draw different negatives, so that their losses are close but not equal
    const [on, whole] = [lossesOf(`${task}-on`)[0]!, lossesOf(`${task}-reset`)[4]!];
    expect(Math.abs(on - whole) / whole).toBeLessThan(0.05);
  }
});

test("layers go on from the vectors before them, and keep rows that the log lacks", async () => {
  await train(before, "layers-before", "layers");
  const run = at("layers-before");
  const tables = Object.keys(readJson<{ files: object }>(join(run, "manifest.json")).files);
  expect(tables).toContain("embeddings.layer0.arrow");
  const fewer = writeLog("fewer.csv", (row) => !row.includes("garden-"));
  await train(fewer, "layers-after", "layers", "--init", run);
  await train(fewer, "layers-alone", "layers", "--start", "random");
  expect(lossesOf("layers-after")[0]!).toBeLessThan(lossesOf("layers-alone")[0]!);
  // items and users without an event in the new log keep the vectors of the earlier run
  const keysOf = (log: string) =>
    new Set(
      readFileSync(log, "utf8")
        .split("\n")
        .flatMap((row) => row.split(",")),
    );
  const today = keysOf(fewer);
  const [was, is] = [await vectorsOf("layers-before"), await vectorsOf("layers-after")];
  const gone = [...was].filter(([key]) => !today.has(key.slice(key.indexOf(" ") + 1)));
  expect(gone.length).toBeGreaterThan(0);
  expect(gone.filter(([key, row]) => is.get(key) !== row)).toEqual([]);
});

describe("what cannot be gone on from is 64", () => {
  const refused = async (task: keyof typeof tasks, ...options: string[]) => {
    const { code, stderr } = await embed([...tasks[task], after, ...roles, "-o", at("none"), ...options]);
    return [code, stderr];
  };
  beforeAll(() => train(before, "base", "bpr", "--keep-state"));

  test("a run of another command", async () => {
    const got = await refused("implicit", "--init", at("base"));
    expect(got).toEqual([
      64,
      expect.stringMatching(/is a run of embed train-ranking and cannot be used by train-als/),
    ]);
  });
  test("known rows that stay, and layers that move them", async () => {
    const got = await refused("layers", "--init", at("base"), "--freeze", "known");
    expect(got).toEqual([
      64,
      expect.stringMatching(
        /--freeze known and --layers cannot be combined: with --layers, new events change the vectors/,
      ),
    ]);
  });
  test("known rows that stay, by a method without sums that could hold them", async () => {
    const got = await refused("bpr", "--init", at("base"), "--freeze", "known", "--optimizer", "sgd");
    expect(got).toEqual([
      64,
      expect.stringMatching(/--freeze known and --optimizer sgd cannot be combined: use --optimizer adagrad/),
    ]);
  });
  test("a start of its own beside --init", async () => {
    const got = await refused("layers", "--init", at("base"), "--start", "svd");
    expect(got).toEqual([64, expect.stringMatching(/ --init cannot be combined with --start svd/)]);
  });
  test("the state of another optimizer", async () => {
    await train(before, "softmax", "sampled-softmax", "--keep-state");
    const got = await refused("sampled-softmax", "--init", at("softmax"), "--optimizer", "adam");
    expect(got).toEqual([
      64,
      expect.stringMatching(/has the optimizer state of --optimizer adagrad, but this training uses adam/),
    ]);
  });
  test("the state of another loss", async () => {
    const got = await refused("ccl", "--init", at("base"));
    expect(got).toEqual([
      64,
      expect.stringMatching(/has the optimizer state of --loss bpr, but this training uses ccl/),
    ]);
  });
  test("--keep-state where there is none", async () => {
    const got = await refused("implicit", "--keep-state");
    expect(got).toEqual([64, expect.stringMatching(/has no option '--keep-state'/)]);
  });
});

test("events that are not learned from are warned of in the summary and in the manifest", async () => {
  const input = ["user,item", "a,x", "a,y", "a,z", "b,x", "b,y"].join("\n");
  const args = ["train-ranking", "-", "--epochs", "1", "-o", at("all-items"), "--json"];
  const { stdout } = await embedOk(args, { input });
  const warning = "3 events are not used for training: their item is unknown, or their user has every item";
  expect(parseJson<Manifest>(stdout).warnings).toContain(warning);
  expect(manifestOf("all-items").warnings).toContain(warning);
});

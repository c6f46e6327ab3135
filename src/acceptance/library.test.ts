// The library as its users call it: the built entry point of the package, in separate processes if side effects matter.

import { spawnSync } from "node:child_process";
import { getEventListeners } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commands } from "../faces/cli/commands.js";
import { entryOf } from "../faces/library/declare.js";
import { functions } from "../faces/library/functions.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { fixture, projectFolder } from "../testing/places.js";
import { trainers } from "../trainers/index.js";

/**
 * Type of any function of the library, without types of its arguments, because the tests pass values that the types
 * reject.
 */
type Loose = (...given: unknown[]) => Promise<Record<string, unknown>>;

/** Milliseconds that a test may take if it runs a compiler and other programs on a busy machine. */
const slow = 300_000;

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const entry = join(projectFolder, "dist", "library.js");
const library = (await import(entry)) as Record<string, Loose>;
const clicks = fixture("clicks.csv");

/** Expects a rejection and returns exit code and message of the EmbedError. */
async function refusal(work: Promise<unknown>): Promise<{ exitCode: number | undefined; message: string }> {
  try {
    await work;
  } catch (error) {
    const { exitCode, message } = error as Error & { exitCode?: number };
    return { exitCode, message };
  }
  throw new Error("it was not refused");
}

test("the package's entry is what the build writes of today's options", async () => {
  const { code, declarations } = await entryOf();
  expect(readFileSync(entry, "utf8")).toBe(code);
  expect(readFileSync(entry.replace(/\.js$/, ".d.ts"), "utf8")).toBe(declarations);
});

test("every command is a function, every trainer by its own name", () => {
  // `help` and `completion` only serve the command line, so the library has no functions for them
  const none = ["help", "completion"];
  const missing = commands.filter(
    ({ name }) => !none.includes(name) && !functions.some(({ command }) => command === name),
  );
  expect(
    missing.map(
      ({ name }) => `'${name}' is no function: add library to its entry in src/faces/cli/commands.ts`,
    ),
  ).toEqual([]);
  for (const { name } of functions) expect([name, typeof library[name]]).toEqual([name, "function"]);
  const trainingFunctions = functions.filter(({ as }) => as === "train").map(({ command }) => command);
  expect(trainingFunctions).toEqual(trainers.map(({ command }) => command));
});

test("every class of errors is there, with the exit code of the command", () => {
  const codes = Object.entries(library)
    .filter(([name]) => name.endsWith("Error") && name !== "EmbedError")
    .map(([name, one]) => [
      name,
      new (one as unknown as new (text: string) => { exitCode: number })("").exitCode,
    ]);
  expect(Object.fromEntries(codes)).toEqual({
    UsageError: 64,
    DataError: 65,
    NoRowsError: 65,
    NoInputError: 66,
    OutputError: 73,
    IoError: 74,
    LockedError: 75,
    ConfigError: 78,
    DivergedError: 80,
    GateError: 81,
    ArtifactError: 82,
  });
});

/** Returns a run without times: every file but the manifest and the metrics as bytes. */
function contentsOf(run: string): Record<string, unknown> {
  const manifest = parseJson(readFileSync(join(run, "manifest.json"), "utf8")) as Record<string, unknown>;
  const files = readdirSync(run, { recursive: true, encoding: "utf8" }).filter(
    (name) => statSync(join(run, name)).isFile() && !["manifest.json", "metrics.jsonl"].includes(name),
  );
  expect(files).toContain("embeddings.arrow");
  const { options, asked, metrics, rows, roles, split } = manifest;
  return {
    ...{ asked, metrics, rows, roles, split },
    options: { ...(options as object), out: undefined },
    ...Object.fromEntries(files.map((name) => [name, readFileSync(join(run, name), "base64")])),
  };
}

const trainings: [name: string, log: string, options: Record<string, unknown>, flags: string][] = [
  ["trainFm", "clicks.csv", { epochs: 2 }, "--epochs 2"],
  [
    "trainFm",
    "ratings.csv",
    {
      label: "rating",
      epochs: 1,
      multi: { genres: "|" },
      side: `${fixture("items.csv")}:item_id`,
      valid: 0.1,
      ignore: ["title"],
    },
    `--label rating --epochs 1 --multi genres:| --side ${fixture("items.csv")}:item_id --valid 0.1 --ignore title`,
  ],
  ["trainAls", "purchases.csv", { fields: ["customer_id", "product_id"] }, "--fields customer_id,product_id"],
  [
    "trainPca",
    "purchases.csv",
    { dim: 4, fields: "customer_id,product_id" },
    "--dim 4 --fields customer_id,product_id",
  ],
  [
    "trainItem2vec",
    "purchases.csv",
    { session: "customer_id", epochs: 1, window: "session" },
    "--session customer_id --epochs 1 --window session",
  ],
  [
    "trainNet",
    "clicks.csv",
    { arch: "fnn", hidden: [8, 4], epochs: 1 },
    "--arch fnn --hidden 8,4 --epochs 1",
  ],
];

test.each(trainings)(
  "%s on %s writes what the command writes, defaults included",
  async (name, log, options, flags) => {
    const command = functions.find((one) => one.name === name)!.command;
    const [ours, theirs] = [at(`${name}-${log}-library`), at(`${name}-${log}-command`)];
    const summary = await library[name]!(fixture(log), { ...options, out: ours });
    const words = [command, fixture(log), ...flags.split(" "), "-o", theirs, "--json"];
    // unsets the tests' number of threads, so that the default is used
    const { stdout } = await embedOk(words, { env: { EMBED_THREADS: "" } });
    expect(contentsOf(ours)).toEqual(contentsOf(theirs));
    const printed = parseJson(stdout) as Record<string, unknown>;
    expect(Object.keys(summary)).toEqual(Object.keys(printed));
    expect(summary["metrics"]).toEqual(printed["metrics"]);
  },
);

test(
  "what judges, finds, lists, encodes and exports gives what the command gives",
  async () => {
    const run = at("judged");
    await library["trainFm"]!(clicks, { out: run, epochs: 2, test: 0.1 });
    const evaluated = await library["evaluate"]!(run, { part: "test" });
    const evaluatedThere = parseJson((await embedOk(["evaluate", run, "--part", "test", "--json"])).stdout);
    expect({ ...evaluated, seconds: 0 }).toEqual({ ...(evaluatedThere as object), seconds: 0 });

    const found = await library["neighbors"]!(run, { key: "item:tea-03", top: 4 });
    const { queries } = parseJson(
      (await embedOk(["neighbors", run, "--key", "item:tea-03", "--top", "4", "--json"])).stdout,
    ) as { queries: unknown };
    expect(found).toEqual(queries);

    for (const [name, command, options, words] of [
      ["recall", "recall", { k: 3 }, ["--k", "3"]],
      ["exportRun", "export", { format: "csv", field: "item" }, ["--format", "csv", "--field", "item"]],
    ] as const) {
      const chunks: Uint8Array[] = [];
      const write = (chunk: Uint8Array) => void chunks.push(Buffer.from(chunk));
      await library[name]!(run, options, { write });
      const { bytes } = await embedOk([command, run, ...words]);
      expect([name, bytes.length > 100, Buffer.concat(chunks).equals(bytes)]).toEqual([name, true, true]);
    }

    await library["encode"]!(clicks, { out: at("encoded") });
    await embedOk(["encode", clicks, "-o", at("encoded-there")]);
    const bytesOf = (place: string) =>
      readdirSync(place).map((file) => [file, readFileSync(join(place, file), "base64")]);
    expect(bytesOf(at("encoded"))).toEqual(bytesOf(at("encoded-there")));
  },
  slow,
);

/** Wrong names, values and files, passed from TypeScript and on the command line. */
const wrong: [name: string, given: unknown[], words: string[], message: RegExp][] = [
  [
    "trainFm",
    [clicks, { out: "x", epoch: 5 }],
    ["train-fm", clicks, "-o", "x", "--epoch", "5"],
    /no option 'epoch': did you mean 'epochs'/,
  ],
  [
    "trainFm",
    [clicks, { out: "x", dim: 0 }],
    ["train-fm", clicks, "-o", "x", "--dim", "0"],
    /--dim expects an integer from 1 to 1024, got '0'/,
  ],
  [
    "trainFm",
    [clicks, { out: "x", dim: "wide" }],
    ["train-fm", clicks, "-o", "x", "--dim", "wide"],
    /--dim expects a number, got 'wide'/,
  ],
  [
    "trainFm",
    [clicks, { out: "x", valid: 1.5 }],
    ["train-fm", clicks, "-o", "x", "--valid", "1.5"],
    /--valid expects a share/,
  ],
  [
    "trainFm",
    [clicks, { out: "x", split: "monthly" }],
    ["train-fm", clicks, "-o", "x", "--split", "monthly"],
    /--split expects one of/,
  ],
  [
    "trainFm",
    [clicks, { out: "x", burnIn: 3 }],
    ["train-fm", clicks, "-o", "x", "--burn-in", "3"],
    /--burn-in needs --method mcmc, got adagrad/,
  ],
  ["trainFm", [clicks, { epochs: 1 }], ["train-fm", clicks, "--epochs", "1"], /needs the option 'out'/],
  ["trainFm", [{ out: "x" }], ["train-fm", "-o", "x"], /missing required argument 'log'/],
  ["trainFm", ["absent.csv", { out: "x" }], ["train-fm", "absent.csv", "-o", "x"], /absent\.csv/],
  [
    "trainFm",
    [clicks, { out: "x", label: "clickd" }],
    ["train-fm", clicks, "-o", "x", "--label", "clickd"],
    /clickd/,
  ],
  ["evaluate", ["absent", { on: [clicks] }], ["evaluate", "absent", "--on", clicks], /absent/],
  [
    "evaluate",
    ["absent", { k: "ten" }],
    ["evaluate", "absent", "--k", "ten"],
    /--k expects a number, got 'ten'/,
  ],
  [
    "neighbors",
    ["absent", { key: "item:x", metric: "near" }],
    ["neighbors", "absent", "--key", "item:x", "--metric", "near"],
    /--metric expects one of cosine, dot, l2/,
  ],
  [
    "gc",
    ["absent", "items", { keep: 2, remove: "3" }],
    ["gc", "absent", "items", "--keep", "2", "--remove", "3"],
    /--remove cannot be combined with --keep/,
  ],
  [
    "rollback",
    ["absent/items", { wait: "soon" }],
    ["rollback", "absent/items", "--wait", "soon"],
    /--wait expects a duration such as 10m \(s, m, h\), got '/,
  ],
];

test.each(wrong)("%s refuses %j with the error of the command", async (name, given, words, message) => {
  const ours = await refusal(library[name]!(...given));
  expect(ours.message).toMatch(message);
  const { code } = await embed(words, { cwd: folder });
  expect(code).not.toBe(0);
  expect(ours.exitCode).toBe(code);
  expect(existsSync("x")).toBe(false);
});

/** Arguments that only TypeScript can pass, and the messages with which they are rejected. */
test.each<[string, unknown[], RegExp]>([
  ["trainFm", [clicks, { out: "x", header: "no" }], /--header expects true or false, got 'no'/],
  ["trainFm", [clicks, { out: "x", label: 5 }], /--label expects a column, got '5'/],
  ["trainFm", [clicks, { out: "x", epochs: null }], /--epochs expects an integer/],
  ["trainFm", [clicks, { out: "x", epochs: Infinity }], /--epochs expects a number/],
  ["trainFm", [clicks, { out: "x", fields: [1, 2] }], /--fields expects a list of texts/],
  ["trainFm", [clicks, { out: "x", valid: {} }], /--valid expects number \| string, got '\{\}'/],
  ["trainFm", [clicks, { out: "x", maxMemory: true }], /--max-memory expects number \| string/],
  [
    "trainFm",
    [clicks, { out: "x", l2Field: { device: -1 } }],
    /--l2-field expects numbers of at least 0 by field/,
  ],
  ["trainFm", [clicks, { out: "x", quiet: true }], /no option 'quiet'/],
  ["trainFm", [[clicks, 5], { out: "x" }], /log must be a text or a list of texts/],
  [
    "trainFm",
    [clicks, { out: "x" }, { observer: console.log }],
    /no option 'observer': did you mean 'observe'/,
  ],
  ["trainFm", [clicks, { out: "x" }, { signal: "now" }], /signal must be an AbortSignal/],
  ["trainFm", [clicks, { out: "x" }, {}, {}], /takes at most/],
  ["trainFm", [clicks, { out: "x", signal: 5 }], /pass 'signal' in the argument after the options/],
  ["trainFm", [clicks, "x"], /takes its options as an object/],
  ["evaluate", ["run", { probeRaw: "yes" }], /--probe-raw expects true or false/],
  ["evaluate", ["run", { labels: 5 }], /--labels expects a file:field/],
  ["evaluate", ["run", { bootstrap: true }], /--bootstrap expects an integer/],
  ["inspectEdges", [fixture("edges.csv"), { source: "from" }], /needs the option 'target'/],
  ["exportRun", ["run", { format: "csv" }], /name a file with 'out', or pass \{ write \}/],
  ["recall", ["run", { out: "-" }], /name a file with 'out', or pass \{ write \}/],
  ["train", ["train-everything", clicks, { out: "x" }], /expected one of train-fm/],
])("%s refuses %j", async (name, given, message) => {
  expect(await refusal(library[name]!(...given))).toEqual({
    exitCode: 64,
    message: expect.stringMatching(message) as string,
  });
});

test("an abort rejects with the signal's reason, writes nothing, and leaves no listener", async () => {
  const stop = new AbortController();
  const reason = new Error("enough");
  const observe = (progress: { stage: string }): void => {
    if (progress.stage !== "epoch") return;
    expect(getEventListeners(stop.signal, "abort")).toHaveLength(1);
    stop.abort(reason);
  };
  const work = library["trainFm"]!(
    clicks,
    { out: at("aborted"), epochs: 1000 },
    { observe, signal: stop.signal },
  );
  await expect(work).rejects.toBe(reason);
  expect(existsSync(at("aborted"))).toBe(false);
  expect(getEventListeners(stop.signal, "abort")).toEqual([]);
  const late = library["trainFm"]!(clicks, { out: at("aborted") }, { signal: stop.signal });
  await expect(late).rejects.toBe(reason);
});

test("a path or an option with NUL is refused as a command line would", async () => {
  const refused = { exitCode: 64, message: expect.stringContaining('"a\\u0000b" contains NUL') };
  await expect(library["trainFm"]!("a\0b", { out: "x" })).rejects.toMatchObject(refused);
  await expect(library["trainFm"]!("log.csv", { out: "x", side: ["a\0b"] })).rejects.toMatchObject(refused);
});

test("what the system refuses is an IoError, other errors stay as they are", async () => {
  const failing = (code: string) => {
    const error = Object.assign(new Error("no"), { code });
    const observe = () => {
      throw error;
    };
    return { error, work: library["trainFm"]!(clicks, { out: at("refused"), epochs: 1 }, { observe }) };
  };
  const files = failing("EMFILE");
  await expect(files.work).rejects.toMatchObject({ exitCode: 74, cause: files.error });
  const other = failing("EOTHER");
  await expect(other.work).rejects.toBe(other.error);
});

test("with onInterrupt: save an abort writes the best epoch so far", async () => {
  const stop = new AbortController();
  let epochs = 0;
  const observe = ({ stage }: { stage: string }): void => {
    if (stage === "epoch" && ++epochs === 3) stop.abort();
  };
  const options = { out: at("saved"), epochs: 100_000, onInterrupt: "save" };
  const { warnings } = await library["trainFm"]!(clicks, options, { observe, signal: stop.signal });
  expect(warnings).toContainEqual(expect.stringMatching(/interrupted: the run holds epoch/));
  const manifest = parseJson(readFileSync(at("saved", "manifest.json"), "utf8")) as Record<string, unknown>;
  expect(manifest["interrupted"]).toBe(true);
});

test(
  "a program that calls the library ends by itself, and nothing is printed or left on the process",
  () => {
    const script = at("program.mjs");
    writeFileSync(
      script,
      `import * as embed from ${JSON.stringify(entry)};
import { writeFileSync } from "node:fs";
process.env.EMBED_DIM = "3";
process.exit = () => { throw new Error("process.exit was called"); };
const events = () => process.eventNames().flatMap((name) => process.listeners(name).map(() => String(name)));
const before = events();
const failures = [];
const failing = async (work) => { try { await work; failures.push("none"); } catch (error) { failures.push(error.constructor.name); } };
const together = ["a", "b"].map((out) => embed.trainFm(${JSON.stringify(clicks)}, { out, epochs: 2, dim: 4 }));
await Promise.all(together);
const { options } = await embed.trainFm(${JSON.stringify(clicks)}, { out: "run", epochs: 1, test: 0.1 });
await embed.evaluate("run", { part: "test" });
await embed.neighbors("run", { key: "item:tea-03" });
await embed.recall("run", { k: 2, out: "lists.csv" });
await embed.indexRun("run", { field: "item", out: "items" });
await embed.report("run", { out: "report.html", part: "none" });
await embed.publish("run", { store: "store", name: "items" });
await embed.gc("store");
await failing(embed.trainFm("absent.csv", { out: "never" }));
await failing(embed.trainFm(${JSON.stringify(clicks)}, { out: "run" }));
await failing(embed.trainFm(${JSON.stringify(clicks)}, { out: "long", epochs: 1000 }, { signal: AbortSignal.timeout(200) }));
writeFileSync("left.json", JSON.stringify({ before, after: events(), exitCode: process.exitCode ?? null, failures, dim: options.dim }));
`,
    );
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
      cwd: folder,
      encoding: "utf8",
      timeout: 200_000,
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
    const left = parseJson(readFileSync(at("left.json"), "utf8")) as Record<string, unknown>;
    expect(left["after"]).toEqual(left["before"]);
    // concurrent trainings are independent
    expect(contentsOf(at("a"))).toEqual(contentsOf(at("b")));
    // EMBED_* variables apply to the command line only
    expect(left).toMatchObject({
      exitCode: null,
      dim: 16,
      failures: ["NoInputError", "OutputError", "DOMException"],
    });
  },
  slow,
);

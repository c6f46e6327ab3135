// `embed train-fm --model ffm`: runs are trained, read, scored and compared like others.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const clicks = fixture("clicks.csv");

const train = (run: string, rest: readonly string[] = []) =>
  embedOk(["train-fm", clicks, "-o", run, "--model", "ffm", "--epochs", "4", "--json", ...rest]);
const hashOf = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

test("writes a vector of a block for each field, the same bytes at 1, 2 and 3 threads", async () => {
  const hashes = [];
  for (const threads of ["1", "2", "3"]) {
    const run = join(folder, `threads-${threads}`);
    await train(run, ["--threads", threads, "--valid", "0.1"]);
    hashes.push(hashOf(join(run, "embeddings.arrow")) + hashOf(join(run, "model", "fm.safetensors")));
  }
  expect(new Set(hashes).size).toBe(1);

  const run = join(folder, "threads-1");
  const manifest = readJson<{ model: string; options: { dim: number } }>(join(run, "manifest.json"));
  const layout = readJson<{ fields: string[]; dim: number; normalizeRows: boolean }>(
    join(run, "model", "ffm.json"),
  );
  expect([manifest.model, layout.dim, layout.normalizeRows]).toEqual(["ffm", manifest.options.dim, false]);
  const { stdout } = await embedOk(["export", run, "--format", "jsonl", "--field", "device"]);
  const { vector } = parseJson<{ vector: number[] }>(stdout.split("\n")[0]!);
  expect(vector).toHaveLength(layout.dim * layout.fields.length);
  // no row has two devices, so the vectors of devices for the field device stay zero
  const own = layout.fields.indexOf("device") * layout.dim;
  expect(vector.slice(own, own + layout.dim)).toEqual([0, 0, 0, 0]);
  expect(vector.slice(0, layout.dim).some((x) => x !== 0)).toBe(true);

  const near = await embedOk(["neighbors", run, "--key", "item:tea-03", "--top", "3"]);
  expect(near.stdout).toContain("tea-");
});

test.each([
  ["as it is", []],
  ["with numbers and normalized rows", ["--numeric", "hour", "--normalize-rows", "--dim", "6"]],
])("evaluate gives the metrics of the training's test part again, %s", async (name, flags) => {
  const lines = readFileSync(clicks, "utf8").trimEnd().split("\n");
  const [header, ...rows] = lines;
  const cut = Math.floor(rows.length * 0.9);
  const [log, test] = [join(folder, "train.csv"), join(folder, "test.csv")];
  writeFileSync(log, [header, ...rows.slice(0, cut)].join("\n"));
  writeFileSync(test, [header, ...rows.slice(cut)].join("\n"));
  const run = join(folder, `scored-${name.length}`);
  const args = ["-o", run, "--model", "ffm", "--epochs", "3", "--json", ...flags];
  const trained = await embedOk(["train-fm", log, ...args, "--test", test]);
  const evaluated = await embedOk(["evaluate", run, "--on", test, "--json"]);
  const metricsOf = (stdout: string, part: string) =>
    parseJson<{ metrics: Record<string, Record<string, number>> }>(stdout).metrics[part];
  expect(metricsOf(evaluated.stdout, "on")).toEqual({
    ...metricsOf(trained.stdout, "test"),
    userAuc: expect.any(Number),
  });
});

test("trains on ratings and on events without a label", async () => {
  for (const [log, flags, metric] of [
    ["ratings.csv", [], "rmse"],
    ["purchases.csv", ["--negatives", "2"], "logLoss"],
  ] as const) {
    const run = join(folder, log);
    const args = ["-o", run, "--model", "ffm", "--epochs", "2", "--test", "0.1", "--json", ...flags];
    const { stdout } = await embedOk(["train-fm", fixture(log), ...args]);
    const { metrics } = parseJson<{ metrics: { test: Record<string, number> } }>(stdout);
    expect(metrics.test[metric]).toBeGreaterThan(0);
  }
});

test("a table that is too large is refused with its size and what shrinks it", async () => {
  const numFields = 4000;
  const names = Array.from({ length: numFields }, (_, f) => `f${f}`);
  const row = (y: number) => [y, ...names.map((_, f) => `${f % 7}${y}`)].join(",");
  const log = join(folder, "wide.csv");
  writeFileSync(log, [["y", ...names].join(","), row(0), row(1), row(1)].join("\n"));
  // passes the 4,000 names in a file, as a user would
  const config = join(folder, "wide.yaml");
  writeFileSync(config, `label: y\nfields: [${names.join(",")}]\n`);
  const run = join(folder, "wide");
  const { code, stderr } = await embed(["train-fm", log, "-o", run, "--model", "ffm", "--config", config]);
  // the exit code is 74 if the machine has too little memory, and otherwise 64, because WebAssembly cannot use that
  // much
  expect([64, 74]).toContain(code);
  for (const part of [
    /needs (about )?\d+\.\d GiB/,
    /--fields/,
    /--dim/,
    /--model with one vector per feature/,
  ])
    expect(stderr).toMatch(part);
});

test("what does not go together is said", async () => {
  const out = join(folder, "refused");
  for (const [flags, message] of [
    [["--normalize-rows"], /--normalize-rows needs --model ffm, got fm/],
    [["--model", "ffm", "--method", "als"], /--method als needs --model fm, got ffm/],
  ] as const) {
    const { code, stderr } = await embed(["train-fm", clicks, "-o", out, ...flags]);
    expect(code).toBe(64);
    expect(stderr).toMatch(message);
  }
});

// The contract of trainers, checked in process for rows of trainers.ts: four trainers in the quick tier of the tests,
// the others in the long one.
//
// A trainer does what is requested or rejects it with exit code 64 or 65 and a message; its numbers are finite; its
// bytes depend only on the log, the options and the seed.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Progress, Watch } from "../training/session/watch.js";
import { diffRuns } from "../judge/diff.js";
import { evaluate } from "../judge/evaluate/evaluate.js";
import type { EvaluateOptions } from "../judge/evaluate/options.js";
import { exportRun } from "../use/export/export.js";
import { neighborsOf } from "../use/neighbors/neighbors.js";
import { report } from "../judge/report/report.js";
import { reproduce } from "../judge/reproduce/reproduce.js";
import { transform } from "../use/transform/transform.js";
import { runPipeline } from "../weekly/pipeline/run.js";
import { forget } from "../weekly/forget/forget.js";
import { defaultReadOptions as reading } from "../log/log.js";
import { temporaryFolder } from "./embed.js";
import { parseDelimited, type ExportedRow } from "./exported.js";
import { parseJson, readJson } from "./json.js";
import { groupOf } from "./planted.js";
import { plantedEvents } from "./planted-events.js";
import { alternating } from "./alternating-threads.js";
import { plantedText, writePlanted, type TrainerRow } from "./trainers.js";
import { notFinite, outcomeOf, trainInProcess, unwatched, type WorkOutcome } from "./training-commands.js";
import { cores } from "../compute/threads/idle.js";
import { choosing } from "../compute/threads/threaded-kernel.js";

cores.usable = () => Infinity;

/** Names of the trainers whose contract is in the quick tier: one of each kind of model. */
export const quickContracts: readonly string[] = ["train-fm", "train-als", "train-item2vec", "train-gbdt"];

const ROWS = 1500;
/** Options of a short training with long vectors. */
const BRIEF: Record<string, string> = { "--dim": "40", "--epochs": "3", "--num-trees": "8" };
const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const noBytes = () => Promise.resolve();

/** Returns the contents of all files of a run, without times. */
function bytesOf(run: string): Record<string, string> {
  const names = readdirSync(run, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !["manifest.json", "metrics.jsonl"].includes(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(
    names.map((name) => [name.slice(run.length), readFileSync(name).toString("base64")]),
  );
}

/** Returns the training loss of each epoch, which is a sum over threads. */
const lossesOf = (run: string) =>
  readFileSync(join(run, "metrics.jsonl"), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => parseJson<{ trainLoss?: number }>(line).trainLoss);

const metricsOf = (run: string) => readJson<{ metrics: unknown }>(join(run, "manifest.json")).metrics;

/**
 * Evaluates a run on its own training log. Runs that rank require `repeats` for such a log; runs that score rows do
 * not.
 */
function evaluated(row: TrainerRow, run: string, log: string) {
  const ranks = row.log === "purchases";
  const options: EvaluateOptions = {
    on: [log],
    bootstrap: 20,
    ...(ranks && { ranking: true, repeats: "allow" }),
  };
  return outcomeOf(() => evaluate([run], options, unwatched));
}

async function exportedRows(run: string): Promise<ExportedRow[]> {
  const out = `${run}.csv`;
  const options = { format: "csv", withWeight: false, strict: false, force: true, out };
  await exportRun(run, options, noBytes, unwatched.signal);
  return parseDelimited(readFileSync(out, "utf8"), ",");
}

/**
 * Returns a log with kinds and weights of events. Before every second event, it has a row of weight 0 with another
 * user's event, or with keys of its own.
 */
function weighedText([head, ...events]: readonly string[], hasZeros: boolean): string {
  const lines = events.flatMap((line, i) => {
    const other = events[(i * 7 + 3) % events.length]!;
    const ghost = i % 4 === 0 ? other.replace(/\bu\d+,[a-z]+-\d+/u, `ghost${i},ghost-${i}`) : other;
    return [
      ...(hasZeros && i % 2 === 0 ? [`${ghost},skip,0`] : []),
      `${line},${i % 3 === 0 ? "like,3" : "play,1"}`,
    ];
  });
  return `${[`${head},type,w`, ...lines].join("\n")}\n`;
}

/** Expects either a result in which all numbers are finite, or an error with a message. */
function expectSound<T>(outcome: WorkOutcome<T>): void {
  if ("refused" in outcome) expect(outcome.refused.message).toMatch(/\w{3}.* .*\w{3}/);
  else expect(notFinite(outcome.result)).toEqual([]);
}

/** Returns the share of an item's nearest items that are of its group; 4 in 19 by chance. */
async function sharedGroups(run: string): Promise<number> {
  const items = (await exportedRows(run)).filter(({ field, key }) => field === "item_id" && key !== "");
  const keys = items.filter(({ key }) => key.includes("-")).map(({ key }) => `item:${key}`);
  const found = await neighborsOf(run, { key: keys, top: 4, metric: "cosine" }, unwatched);
  const same = found.flatMap(({ key, neighbors }) =>
    neighbors.map((nearest) => Number(groupOf(nearest.key) === groupOf(key))),
  );
  return same.reduce((sum, x) => sum + x, 0) / same.length;
}

/** Declares the tests of the contract for each of the rows. */
export function describeContract(rows: readonly TrainerRow[]): void {
  describe.each(rows)("$name", (row) => {
    const name = row.name.replaceAll(/\W+/g, "-");
    const words = [...row.columns, ...row.options];
    const by = row.log === "numbers" ? "random" : "time";
    const parts = ["--valid", "0.1", "--test", "0.1", "--split", by];
    const run = at(name);
    let log: string;
    const train = (out: string, more: string[], watch?: Watch) =>
      trainInProcess(row.command, [log, ...words, ...parts, "-o", out, ...more], watch);
    /** Trains a small model on another log. */
    const trainOn = (text: string, label: string, more: string[] = []) => {
      const path = at(`${name}-${label}.csv`);
      writeFileSync(path, text);
      const options = [...row.columns, ...row.small, "-o", at(`${name}-${label}`)];
      return outcomeOf(() => trainInProcess(row.command, [path, ...options, ...more]));
    };
    const lines = () => plantedText(row.log, 200).trimEnd().split("\n");

    beforeAll(async () => {
      log = writePlanted(folder, row.log, ROWS);
      await train(run, ["--threads", "2"]);
    });

    test("writes the same bytes where the number of threads changes after every call", async () => {
      // makes the vectors long enough to be divided among three threads, and the training short: the number of threads
      // changes many times within an epoch
      const wide = row.options.flatMap((word) => (word in BRIEF ? [word, BRIEF[word]!] : []));
      const { start } = choosing;
      await train(`${run}-wide`, [...wide, "--threads", "1"]);
      choosing.start = alternating;
      await train(`${run}-changing`, [...wide, "--threads", "3"]).finally(() => (choosing.start = start));
      expect(bytesOf(`${run}-changing`)).toEqual(bytesOf(`${run}-wide`));
      expect(lossesOf(`${run}-changing`)).toEqual(lossesOf(`${run}-wide`));
    });

    test("writes the same bytes at 1, 2 and 3 threads, and is reproduced", async () => {
      // the run was trained by two threads
      await train(`${run}-3`, ["--threads", "3"]);
      expect(bytesOf(`${run}-3`)).toEqual(bytesOf(run));
      expect(metricsOf(`${run}-3`)).toEqual(metricsOf(run));
      const { agrees, files } = await reproduce(run, { threads: 1 }, unwatched);
      expect([agrees, files.filter((file) => !file.agrees)]).toEqual([true, []]);
    });

    test("finds the planted answer", async () => {
      const metrics = metricsOf(run) as Record<string, { auc: number; explainedVarianceRatio: number[] }>;
      if (row.answer === "clicks") {
        // the AUC is at least half-way between 0.5, which needs no information, and the AUC of the true probabilities
        expect(metrics["test"]!.auc).toBeGreaterThan((0.5 + plantedEvents(7, ROWS).bestAuc) / 2);
      } else if (row.answer === "groups") {
        expect(await sharedGroups(run)).toBeGreaterThan(0.6);
      } else {
        const [first, second] = metrics["train"]!.explainedVarianceRatio;
        expect(first! + second!).toBeGreaterThan(0.99);
      }
    });

    test("goes on to the same bytes when it was killed after a checkpoint, or has no checkpoints", async () => {
      const killed = `${run}-killed`;
      const abort = new AbortController();
      const observe = (progress: Progress): void => {
        if (progress.stage === "epoch" && progress.epoch >= 4) abort.abort(new Error("killed"));
      };
      const again = ["--checkpoint-every", "2", "--resume", "--threads", "2"];
      const first = await outcomeOf(() => train(killed, again, { observe, signal: abort.signal })).catch(
        (error: Error) => error.message,
      );
      if (typeof first !== "string") {
        expect(first).toMatchObject({
          refused: { exitCode: 64, message: expect.stringContaining("--checkpoint-every") as string },
        });
        return;
      }
      expect(first).toBe("killed");
      expect([existsSync(killed), existsSync(`${killed}.checkpoint`)]).toEqual([false, true]);
      await train(killed, again);
      expect(bytesOf(killed)).toEqual(bytesOf(run));
    });

    test("evaluates, exports, compares, reports, transforms, with finite numbers", async () => {
      expect(notFinite(metricsOf(run))).toEqual([]);
      expectSound(await evaluated(row, run, log));
      const rows = await exportedRows(run);
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.flatMap(({ vector }) => vector).every(Number.isFinite)).toBe(true);
      const { fields } = await diffRuns(run, run, { k: 5, top: 5, threads: 2 });
      for (const { rows: counts, norms, moved } of fields) {
        expect([counts.gained, counts.lost, norms.a - norms.b, moved]).toEqual([0, 0, 0, []]);
      }
      const page = { out: `${run}.html`, top: 3, points: 30 };
      await report([run], page, { reading }, unwatched);
      // removes the option reading.nulls, whose value lists NaN as a text that means a missing cell
      const markup = readFileSync(page.out, "utf8").replace(/<li><b>reading\.nulls<\/b>[^<]*<\/li>/u, "");
      expect(markup).not.toMatch(/\bNaN\b|\bInfinity\b/);
      expectSound(
        await outcomeOf(() => transform(run, [log], { out: `${run}-rows.csv` }, noBytes, unwatched)),
      );
    });

    test("shows a key's neighbors, or has no keys", async () => {
      const [first] = await exportedRows(run);
      const key = `${first!.field}:${first!.key}`;
      const outcome = await outcomeOf(() =>
        neighborsOf(run, { key: [key], top: 3, metric: "cosine" }, unwatched),
      );
      expectSound(outcome);
    });

    test("is a step of a pipeline", async () => {
      const given = [...row.small, "--seed", "3"];
      const keys = given.flatMap((word, i) =>
        word.startsWith("--") ? [`    ${word.slice(2)}: ${given[i + 1]}`] : [],
      );
      const columns = row.columns.flatMap((word, i) =>
        word.startsWith("--") ? [`  ${word.slice(2)}: [${row.columns[i + 1]}]`] : [],
      );
      const single = columns.map((line) =>
        /fields|numeric/.test(line) ? line : line.replaceAll(/[[\]]/g, ""),
      );
      mkdirSync(at(`${name}-job`));
      const file = at(`${name}-job`, "job.yaml");
      writeFileSync(
        file,
        [
          `name: job\nstore: store\nlog: ${JSON.stringify(log)}\ncolumns:`,
          ...single,
          `train:\n  table:\n    command: ${row.command}`,
          ...keys,
          "export:\n  - { format: csv, out: table.csv }\n",
        ].join("\n"),
      );
      const { outcome, published } = await runPipeline(file, {}, unwatched);
      expect([outcome, published.length]).toEqual(["published", 1]);
    });

    test("scores keys that it has never seen", async () => {
      const unknown = at(`${name}-unknown.csv`);
      const text = plantedText(row.log, 200).replaceAll(/\bu(\d+)\b/g, "stranger$1");
      writeFileSync(unknown, text.replaceAll(/\b(tea|camera|garden|chess)-/g, "new-$1-"));
      expectSound(await evaluated(row, run, unknown));
    });

    test.each([
      ["--event-weight", "type:play=1,like=3,skip=0"],
      ["--weight", "w"],
    ])("gives with rows of weight 0 (%s) what the log without them gives", async (flag, value) => {
      const given = [...row.small, ...parts, flag, value, "--ignore", flag === "--weight" ? "type" : "w"];
      const results = await Promise.all(
        [true, false].map(async (isWhole) => {
          const path = at(`${name}${flag}-${isWhole}.csv`);
          writeFileSync(path, weighedText(lines(), isWhole));
          const out = `${path}-run`;
          const trained = await outcomeOf(() =>
            trainInProcess(row.command, [path, ...row.columns, ...given, "-o", out]),
          );
          if ("refused" in trained) return trained;
          const found = await evaluated(row, out, path);
          const metrics = "refused" in found ? found.refused.exitCode : found.result.metrics;
          const weight = trained.result.steps!.find(({ step }) => step === "weight")!;
          const zeros = weight.before - weight.after;
          return { bytes: bytesOf(out), of: metricsOf(out), metrics, zeros };
        }),
      );
      const [whole, without] = results;
      const zeros = "refused" in whole! ? {} : { zeros: 100 };
      expect(whole).toEqual({ ...without, ...zeros });
    });

    test("takes a log of one row, and of one user, or says why not", async () => {
      expectSound(await trainOn(`${lines().slice(0, 2).join("\n")}\n`, "one-row"));
      const one = lines()
        .join("\n")
        .replaceAll(/\bu\d+\b/g, "u1");
      expectSound(await trainOn(`${one}\n`, "one-user", parts));
    });

    test("takes a validation part without rows, and one without positives, or says why not", async () => {
      const empty = at(`${name}-empty.csv`);
      writeFileSync(empty, `${lines()[0]}\n`);
      expectSound(await trainOn(plantedText(row.log, 200), "empty", ["--valid", empty]));
      // splits by a date that is later than the newest event
      expectSound(await trainOn(plantedText(row.log, 200), "late", ["--valid", "2031-01-01"]));
      // validates on a log without positive labels or, if events have no label, on a log whose users are unknown
      const none = at(`${name}-none.csv`);
      const [head, ...rest] = lines();
      const negatives = rest.filter((line) => row.log !== "clicks" || line.startsWith("0,"));
      const strangers = negatives.map((line) =>
        row.log === "purchases" ? line.replaceAll(/^u/g, "v") : line,
      );
      writeFileSync(none, `${[head, ...strangers].join("\n")}\n`);
      expectSound(await trainOn(plantedText(row.log, 200), "negatives", ["--valid", none]));
    });

    test("forgets a key, after which no file of the run holds it", async () => {
      const given = await exportedRows(run);
      const { field, key } = given.find((found) => found.key === "u3") ?? given[0]!;
      const options = { dryRun: false, waitMs: 0, signal: unwatched.signal };
      const outcome = await outcomeOf(() => forget(run, [`${field}:${key}`], options));
      expectSound(outcome);
      if ("refused" in outcome || key !== "u3") return;
      const holders = Object.entries(bytesOf(run)).filter(([, bytes]) =>
        /(?<![\w-])u3(?![\w-])/.test(Buffer.from(bytes, "base64").toString("latin1")),
      );
      expect((await exportedRows(run)).some((found) => found.key === "u3")).toBe(false);
      expect(holders.map(([file]) => file)).toEqual([]);
    });
  });
}

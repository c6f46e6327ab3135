// Random combinations of options, in process: a run that trains also scores, predicts, exports and is reproduced; a
// rejection has exit code 64 and names an option of the combination, or a column that the options name.

import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { evaluate } from "../judge/evaluate/evaluate.js";
import { exportRun } from "../use/export/export.js";
import { predict } from "../use/predict/predict.js";
import { reproduce } from "../judge/reproduce/reproduce.js";
import { temporaryFolder } from "./embed.js";
import { parseDelimited } from "./exported.js";
import {
  drawCombinations,
  drawnOptions,
  valuesOf,
  type Combination,
  type CombinationFiles,
} from "./option-combinations.js";
import { trainers, writePlanted, type TrainerRow } from "./trainers.js";
import { notFinite, outcomeOf, parseTraining, trainInProcess, unwatched } from "./training-commands.js";
import { reading } from "../training/shared-options/reading.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

let names = 0;
const fileOf = (row: TrainerRow) => at(row.name.replaceAll(/\W+/g, "-"));
const files: CombinationFiles = {
  log: (row) => at(`${row.log}-200.csv`),
  run: fileOf,
  secret: at("secret"),
  side: at("side.csv"),
  fresh: () => at(`fresh-${names++}`),
};

/** Pattern of a message that names an option, a column, a file or a key. */
const NAMES_SOMETHING =
  /--[a-z]|'[^']+'|column|label|\b(user|item|event|row|session)s?\b|^\w+ must be|\.csv: /;

/**
 * Whether an error message names an option that was drawn for the combination, or quotes a word of its command line.
 */
function isAbout({ drawn, words }: Combination, message: string): boolean {
  const flags = new Set(message.match(/--[a-z][\w-]*/g));
  const named = new Set(words.slice(1).flatMap((word) => word.split(/[,:=*\s]/)));
  const quoted = [...message.matchAll(/'(\w+)'/g)].map(([, name]) => name!);
  return drawn.some(({ flag }) => flags.has(flag)) || quoted.some((name) => named.has(name));
}

/**
 * Pattern of messages with exit code 65, which are expected: options such as --min-users 20 leave no events, or
 * --input-format jsonl misreads the log.
 */
const BAD_DATA = /training needs at least two|no training rows|no events with a known user and item|\.csv:/;

/** Returns those of the given options that determine how a training reads its log, with one thread. */
function readingIn(given: object): Record<string, unknown> {
  const isRead = ([name]: [string, unknown]) => Object.hasOwn(reading, name) || name === "hashKeys";
  return { ...Object.fromEntries(Object.entries(given).filter(isRead)), threads: 1 };
}

/** Evaluates a run with the options with which the training reads its log. */
function evaluationOf({ row, words }: Combination, run: string) {
  const { given, paths } = parseTraining(row.command, [...words, "-o", run]);
  const asked = {
    ...readingIn(given),
    on: paths,
    bootstrap: 0,
    ...(row.log === "purchases" && { ranking: true, repeats: "allow" as const }),
  };
  return outcomeOf(() => evaluate([run], asked, unwatched));
}

/** Predicts the rows of the training's log. @returns the predictions */
function predictionsOf({ row, words }: Combination, run: string) {
  const { given, paths } = parseTraining(row.command, [...words, "-o", run]);
  const asked = { ...readingIn(given), dedupe: undefined, dedupeBy: undefined, dedupeKeep: undefined };
  return outcomeOf(async () => {
    const chunks: Uint8Array[] = [];
    const write = (chunk: Uint8Array) => Promise.resolve(void chunks.push(chunk));
    const { rows } = await predict(run, paths, asked, write, unwatched);
    const lines = Buffer.concat(chunks).toString().trimEnd().split("\n").slice(1);
    return { rows, numbers: lines.map((line) => line.split(",").map(Number)) };
  });
}

/** Returns what goes wrong with a combination of options; nothing if it works, or is rejected with a good message. */
async function faultsOf(
  combination: Combination,
  run: string,
): Promise<{ accepted: boolean; faults: string[]; message: string }> {
  const { row, words } = combination;
  const refusal = (of: string, message: string) =>
    NAMES_SOMETHING.test(message) ? [] : [`${of} is refused without a flag or a column: ${message}`];
  const trained = await outcomeOf(() => trainInProcess(row.command, [...words, "-o", run]));
  if ("refused" in trained) {
    const { exitCode, message } = trained.refused;
    const isFault =
      exitCode === 65 ? !BAD_DATA.test(message) : exitCode !== 64 || !isAbout(combination, message);
    const faults = isFault ? [`training is refused for another reason: ${exitCode} ${message}`] : [];
    return { accepted: false, faults, message: `${exitCode} ${message}` };
  }
  const faults = notFinite(trained.result.metrics, "metrics");
  const evaluated = await evaluationOf(combination, run);
  faults.push(
    ...("refused" in evaluated
      ? refusal("evaluate", evaluated.refused.message)
      : notFinite(evaluated.result.metrics, "evaluate")),
  );
  const predicted = await predictionsOf(combination, run);
  if ("refused" in predicted) faults.push(...refusal("predict", predicted.refused.message));
  else {
    const { rows, numbers } = predicted.result;
    if (rows !== numbers.length || !numbers.flat().every(Number.isFinite))
      faults.push("the predictions are not a finite number a row");
  }
  const exported = await outcomeOf(() => {
    const options = { format: "csv", withWeight: false, strict: false, force: true, out: `${run}.csv` };
    return exportRun(run, options, () => Promise.resolve(), unwatched.signal);
  });
  if ("refused" in exported) faults.push(...refusal("export", exported.refused.message));
  else {
    const vectors = parseDelimited(readFileSync(`${run}.csv`, "utf8"), ",").flatMap(({ vector }) => vector);
    if (!vectors.every(Number.isFinite)) faults.push("the exported vectors are not finite");
  }
  const again = await reproduce(run, { threads: 2 }, unwatched);
  faults.push(...again.files.filter(({ agrees }) => !agrees).map(({ file }) => `${file} is not reproduced`));
  return { accepted: true, faults, message: "" };
}

/** Milliseconds after which a small training is regarded as hanging, even on a busy machine. */
const HANG_MILLISECONDS = 60_000;

async function withinTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("hangs")), HANG_MILLISECONDS);
  });
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Declares tests that train with `count` random combinations of options. */
export function testCombinations(count: number, seed: number): void {
  beforeAll(async () => {
    writeFileSync(files.secret, "a secret of more than enough bytes to be one\n");
    writeFileSync(files.side, "item_id,brand\ntea-1,Aster\ncamera-2,Birch\n");
    for (const row of trainers) {
      if (!existsSync(files.log(row))) writePlanted(folder, row.log, 200);
      const words = [files.log(row), ...row.columns, ...row.small, "--threads", "1", "-o", fileOf(row)];
      await trainInProcess(row.command, words);
    }
  });

  test("every declared option has values to draw", () => {
    for (const row of trainers)
      for (const option of drawnOptions(row)) expect(() => valuesOf(option, row, files)).not.toThrow();
  });

  test(
    `${count} combinations either train, score, export and reproduce, or are refused in words`,
    async () => {
      const found: string[] = [];
      let acceptedCount = 0;
      for (const combination of drawCombinations(seed, count, files)) {
        const run = at("run");
        const { accepted, faults, message } = await withinTime(faultsOf(combination, run)).catch(
          (error: Error) => ({
            accepted: false,
            faults: [error.stack ?? error.message],
            message: "",
          }),
        );
        if (accepted) acceptedCount++;
        const line = [combination.row.command, ...combination.words].map((word) =>
          /^[\w./:=,+-]+$/.test(word) ? word : `'${word}'`,
        );
        if (faults.length > 0) found.push(`embed ${line.join(" ")} -o run\n    ${faults.join("\n    ")}`);
        const log = process.env["EMBED_TEST_COMBINATIONS_LOG"];
        if (log !== undefined)
          appendFileSync(
            log,
            `${accepted ? "accepted" : "refused"} ${line.join(" ")}\n    ${message}${faults.length > 0 ? ` FAULTS ${faults.join("; ")}` : ""}\n`,
          );
        for (const path of [run, `${run}.csv`, `${run}.checkpoint`])
          rmSync(path, { recursive: true, force: true });
      }
      process.stderr.write(`${acceptedCount} of ${count} combinations were accepted\n`);
      expect(found).toEqual([]);
      // at least half of the combinations must be accepted, because rejected ones test little
      expect(acceptedCount).toBeGreaterThanOrEqual(count / 2);
    },
    count * 5000 + 60_000,
  );
}

// `npm run bench -- sgns-quality [seeds] [epochs]`: compares vectors of the batched kernel with those of the sequential
// trainer that works like word2vec.c (kernels/sgns/sgns.reference.ts), on the same sessions of Online Retail: invoices,
// window 5, 64 dimensions. Recall@20 and NDCG@20 on each customer's last invoice but one, the validation split;
// histories represent users. Speed is not measured.
//
// The reference takes about ten seconds per epoch. Its learning rate of 0.2 is the best of 0.025, 0.1, 0.2 and 0.4 on
// this split.

import { keyAt } from "../log/keys.js";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { columnNamed } from "../dataset/dataset.js";
import { sequencesOf, type Sequences } from "../dataset/sequences/sequences.js";
import { openRun } from "../embedding/run-directory.js";
import { trainPairs } from "../kernels/sgns/sgns.reference.js";
import { pow } from "../numeric/exp.js";
import { draw } from "../numeric/random.js";
import { SkipGrams } from "../sampling/skip-grams.js";
import { partsOfRun } from "../training/reading/run-parts.js";
import { parseJson } from "../testing/json.js";
import { projectFolder } from "../testing/places.js";
import { run } from "./ctr-logs.js";

const [dim, window, negatives, rate] = [64, 5, 5, 0.2];
const log = join(projectFolder, "..", "shared", "data", "online-retail", "online_retail_2010_2011.csv.gz");
const columns =
  "--user CustomerID --item StockCode --fields StockCode --time InvoiceDate --drop InvoiceNo^=C --split last --group InvoiceNo --session InvoiceNo".split(
    " ",
  );

/** Runs embed in its own process. */
const embed = async (args: string[]) =>
  await run(process.execPath, [join(projectFolder, "bin", "embed.js"), ...args]);

export async function bench(): Promise<void> {
  if (!existsSync(log)) {
    console.log(`skipped: no invoices at ${log}`);
    return;
  }
  const [seeds, epochs] = [Number(process.argv[3] ?? 1), Number(process.argv[4] ?? 20)];
  const work = mkdtempSync(join(tmpdir(), "embed-sgns-quality-"));
  try {
    const runs: string[] = [];
    for (let seed = 1; seed <= seeds; seed++) {
      const kernel = join(work, `kernel-${seed}`);
      const options = `--dim ${dim} --window ${window} --epochs ${epochs} --patience 0 --seed ${seed}`.split(
        " ",
      );
      const known = ["--where", "CustomerID is not missing"];
      await embed(["train-item2vec", log, ...columns, ...known, ...options, "-o", kernel]);
      const text = join(work, `reference-${seed}.txt`);
      writeFileSync(text, await referenceVectors(kernel, seed, epochs));
      const reference = join(work, `reference-${seed}`);
      const names = ["--field", "StockCode", "--item", "StockCode"];
      await embed(["import", text, "--format", "word2vec", ...names, "-o", reference]);
      runs.push(kernel, reference);
    }
    const query = "--repeats mask --bootstrap 0 --score cosine --query history --query-half-life 30d --json";
    const { stdout } = await embed(["evaluate", ...runs, "--part", "valid", ...query.split(" ")]);
    const { compared } = parseJson<{ compared: { name: string; metrics: Record<string, number> }[] }>(stdout);
    for (const { name, metrics } of compared)
      console.log(
        `${name}: Recall@20 ${metrics["recallAt20"]!.toFixed(4)}, NDCG@20 ${metrics["ndcgAt20"]!.toFixed(4)}`,
      );
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** Trains the reference implementation on the sessions of a run, and writes its vectors as word2vec text. */
async function referenceVectors(path: string, seed: number, epochs: number): Promise<string> {
  const { sessions, keys } = await sessionsOf(path);
  const counts = new Float64Array(keys.length);
  for (const token of sessions.tokens) counts[token]!++;
  const chances = counts.map((count) => (count > 0 ? pow(count, 0.75) : 0));
  const sum = chances.reduce((all, chance) => all + chance, 0);
  const noise = chances.map((chance) => chance / sum);
  const size = keys.length * dim;
  const vectors = {
    centres: Float64Array.from({ length: size }, (_, i) => (draw(draw(seed, 0), i) / 2 ** 32 - 0.5) / dim),
    contexts: new Float64Array(size),
  };
  const stream = new SkipGrams(sessions, counts, { window, direction: "both", subsample: 0, seed });
  const at = (done: number) => rate * Math.max(1e-4, 1 - done / epochs);
  const shape = { numRows: keys.length, dim, window, negatives, noise };
  for (let epoch = 1; epoch <= epochs; epoch++)
    trainPairs(vectors, shape, stream.epoch(epoch), draw(seed, epoch), {
      from: at(epoch - 1),
      to: at(epoch),
    });
  const rows = keys.flatMap((key, i) =>
    counts[i] === 0 ? [] : [[key, ...vectors.centres.subarray(i * dim, (i + 1) * dim)].join(" ")],
  );
  return `${rows.length} ${dim}\n${rows.join("\n")}\n`;
}

/** Returns the invoices of the training split. */
async function sessionsOf(path: string): Promise<{ sessions: Sequences; keys: string[] }> {
  const watch = { observe: () => undefined, signal: new AbortController().signal };
  const { train } = await partsOfRun(await openRun(path), { reading: { threads: 2 } }, "the sessions", watch);
  const { dataset, rows } = train;
  const column = columnNamed(dataset, dataset.roles.item!);
  if (column.kind !== "key") throw new RangeError("items are keys");
  const tokens = rows.map((row) => column.codes[row]!);
  const how = { by: "session", minLength: 2, maxLength: 10_000, repeats: false } as const;
  const { dictionary } = column;
  return {
    sessions: sequencesOf(dataset, rows, [tokens], how),
    // word2vec text separates columns by spaces
    keys: Array.from({ length: dictionary.size }, (_, code) =>
      keyAt(dictionary, code).replaceAll(" ", "\u00a0"),
    ),
  };
}

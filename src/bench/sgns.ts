// `npm run bench -- sgns`: item2vec's kernel on the invoices of online-retail as sessions (or on random sessions):
// thousand centres per second at 64 and 128 dimensions on one and two threads; window 5, 5 negatives, no subsampling.
// Whole epochs are timed after a warm-up epoch, without reading the log and without copying the sessions to the kernel.
//
// Peer: gensim's Word2Vec with as many workers, alternately in the same run; `EMBED_PEER_PYTHON` names a Python with
// gensim. Only its `train` is timed, without building the vocabulary.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { SgnsStream } from "../kernels/sgns/binding.js";
import { draw } from "../numeric/random.js";
import { projectFolder } from "../testing/places.js";
import { SgnsMachine } from "../skip-grams/machine.js";
import { median, run } from "./ctr-logs.js";

const REPEATS = 3;
const EPOCHS = 3;
/** Number of epochs that gensim trains; gensim needs no warm-up. */
const PEER_EPOCHS = 1;
const MIN_COUNT = 5;
const [window, negatives] = [5, 5];
const folder = join(projectFolder, "..", "shared", "data", "online-retail");

interface Sessions {
  numRows: number;
  lists: number[][];
}

export async function bench(): Promise<void> {
  const sessions = existsSync(folder) ? invoices() : drawnSessions();
  if (!existsSync(folder)) console.log(`no invoices in ${folder}: sessions are drawn`);
  const stream = streamOf(sessions);
  console.log(`${sessions.lists.length} sessions, ${stream.tokens.length} tokens, ${sessions.numRows} rows`);
  const python = process.env["EMBED_PEER_PYTHON"];
  if (!python) console.log("gensim: skipped, EMBED_PEER_PYTHON names no Python that has it");
  const work = mkdtempSync(join(tmpdir(), "embed-sgns-"));
  const text = join(work, "sessions.txt");
  writeFileSync(text, sessions.lists.map((list) => `${list.join(" ")}\n`).join(""));
  try {
    for (const dim of [64, 128]) {
      for (const threads of [1, 2]) {
        const [ours, theirs]: [number[], number[]] = [[], []];
        for (let repeat = 0; repeat < REPEATS; repeat++) {
          ours.push(await speed(stream, sessions.numRows, dim, threads));
          if (python) theirs.push(await peerSpeed(python, text, dim, threads));
        }
        console.log(`dim ${dim}, ${threads} threads: ${thousands(ours)} thousand centres/s`);
        if (python) {
          const ratio = (median(ours) / median(theirs)).toFixed(2);
          console.log(`  gensim, ${threads} workers: ${thousands(theirs)}; ours is ${ratio} of it`);
        }
      }
    }
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** Returns the distinct articles of each invoice in order, without rare articles and cancellations. */
function invoices(): Sessions {
  const baskets = new Map<string, Set<string>>();
  for (const name of ["online_retail_2009_2010.csv.gz", "online_retail_2010_2011.csv.gz"]) {
    const lines = gunzipSync(readFileSync(join(folder, name)))
      .toString("utf8")
      .split("\n");
    for (const line of lines.slice(1)) {
      const [invoice, article] = line.split(",", 2);
      if (!invoice || !article || invoice.startsWith("C")) continue;
      const basket = baskets.get(invoice) ?? new Set();
      baskets.set(invoice, basket.add(article));
    }
  }
  const counts = new Map<string, number>();
  for (const basket of baskets.values()) for (const a of basket) counts.set(a, (counts.get(a) ?? 0) + 1);
  const kept = [...counts].filter(([, count]) => count >= MIN_COUNT);
  const rows = new Map(kept.map(([article], row) => [article, row]));
  const lists = Array.from(baskets.values(), (basket) =>
    [...basket].flatMap((article) => rows.get(article) ?? []),
  );
  return { numRows: rows.size, lists: lists.filter((list) => list.length > 1) };
}

/**
 * Generates sessions of 2 to 41 rows. The rows of a session have similar numbers, and popular rows are more frequent.
 */
function drawnSessions(): Sessions {
  const numRows = 5000;
  const lists = Array.from({ length: 40_000 }, (_, s) => {
    const centre = (draw(1, s) / 2 ** 32) ** 2 * numRows;
    return Array.from({ length: 2 + (draw(2, s) % 40) }, (_, i) =>
      Math.floor((centre + ((draw(3, s * 41 + i) / 2 ** 32) * numRows) / 20) % numRows),
    );
  });
  return { numRows, lists };
}

function streamOf({ lists }: Sessions): SgnsStream {
  const places = lists.flatMap((list) => list.map((_, i) => [i, list.length - 1 - i] as const));
  return {
    tokens: Uint32Array.from(lists.flat()),
    left: Uint8Array.from(places, ([i]) => Math.min(window, i)),
    right: Uint8Array.from(places, ([, i]) => Math.min(window, i)),
  };
}

/** Returns the centres per second, after a warm-up epoch. */
async function speed(stream: SgnsStream, numRows: number, dim: number, threads: number): Promise<number> {
  const numTokens = stream.tokens.length;
  const noise = new Float64Array(numRows);
  for (const row of stream.tokens) noise[row]! += 1 / numTokens;
  const firstVectorHashes = Uint32Array.from({ length: 2 * numRows }, (_, i) => draw(1, i));
  const shape = { numRows, dim, window, negatives, noise, mostTokens: numTokens };
  const machine = await SgnsMachine.start({ ...shape, seed: 1, firstVectorHashes }, threads);
  try {
    machine.load(stream);
    const losses = [await machine.train(0, { from: 0.8, to: 0.8 })];
    const start = performance.now();
    for (let epoch = 1; epoch <= EPOCHS; epoch++) {
      losses.push(await machine.train(epoch, { from: 0.8, to: 0.8 }));
    }
    const seconds = (performance.now() - start) / 1000;
    if (!(losses.at(-1)! < losses[0]!)) throw new Error(`the loss does not fall: ${losses.join(", ")}`);
    return (EPOCHS * numTokens) / seconds;
  } finally {
    await machine.terminate();
  }
}

async function peerSpeed(python: string, text: string, dim: number, workers: number): Promise<number> {
  const settings = [text, dim, workers, PEER_EPOCHS, window, negatives].map(String);
  const { stdout } = await run(python, ["-c", peer, ...settings], {
    env: { ...process.env, OPENBLAS_NUM_THREADS: "1" },
  });
  return Number(stdout.trim().split("\n").at(-1));
}

const peer = `
import sys, time
from gensim.models import Word2Vec
sentences = [line.split() for line in open(sys.argv[1])]
dim, workers, epochs, window, negative = map(int, sys.argv[2:])
model = Word2Vec(vector_size=dim, window=window, sg=1, negative=negative, sample=0, min_count=1, workers=workers, seed=1)
model.build_vocab(sentences)
start = time.time()
model.train(sentences, total_examples=len(sentences), epochs=epochs)
print(epochs * sum(map(len, sentences)) / (time.time() - start))
`;

function thousands(speeds: readonly number[]): string {
  const [low, middle, high] = [Math.min(...speeds), median(speeds), Math.max(...speeds)];
  return `${(middle / 1e3).toFixed(0)} (${(low / 1e3).toFixed(0)} to ${(high / 1e3).toFixed(0)})`;
}

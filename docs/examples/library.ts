// The library, from a log to vectors, lists and metrics. A test runs this file against the packed package.
//
// In a folder with a copy of the package's fixtures/: it writes clicks/, events/ and a few files beside them.

import { writeFile } from "node:fs/promises";
import {
  EmbedError,
  evaluate,
  exportRun,
  neighbors,
  recall,
  trainAls,
  trainFm,
  transform,
  UsageError,
  type Progress,
} from "embed-tables";

// options are the command's flags in camel case, with its defaults: embed train-fm fixtures/clicks.csv -o clicks --epochs 5 ...
const trained = await trainFm("fixtures/clicks.csv", { out: "clicks", epochs: 5, valid: 0.1, test: 0.1 });
console.log("test", trained.metrics["test"]);

// several files are one log, and lists may be lists
await trainAls(["fixtures/purchases.csv"], {
  out: "events",
  dim: 16,
  epochs: 3,
  fields: ["customer_id", "product_id"],
  split: "last",
  last: 1,
});

// what the command prints as a table, as an object
const judged = await evaluate("events", { part: "test", repeats: "allow", baseline: "popularity" });
for (const { name, metrics } of judged.compared) console.log(name, metrics);

// nearest rows, for each key that was asked for
for (const { key, neighbors: near } of await neighbors("clicks", { key: ["item:tea-03"], top: 3 }))
  console.log(key, near.map((row) => `${row.key} ${row.similarity.toFixed(3)}`).join(", "));

// a file, where one is named
await exportRun("clicks", { format: "word2vec", field: "item", out: "items.txt" });
await recall("events", { k: 5, out: "lists.csv" });

// or the bytes, where none is: nothing goes to standard output
await writeFile("newcomers.csv", "customer_id,product_id\nnew,garden-08\nnew,running-06\n");
let vectors = "";
const write = (chunk: string | Uint8Array): void => void (vectors += Buffer.from(chunk).toString());
await transform("events", { foldIn: "newcomers.csv" }, { write });
console.log(vectors);

// progress, and a way to stop: the promise rejects with the signal's reason, and nothing is written
const stop = new AbortController();
const observe = (progress: Progress): void => {
  if (progress.stage === "epoch" && progress.epoch === 2) stop.abort(new Error("seen enough"));
};
const long = trainFm("fixtures/clicks.csv", { out: "never", epochs: 1000 }, { observe, signal: stop.signal });
console.log("stopped:", await long.then(String, (error: Error) => error.message));

// the commands' errors, each with the exit code that the command would end with
try {
  await trainFm("fixtures/clicks.csv", { out: "again", dim: 0 });
} catch (error) {
  if (!(error instanceof EmbedError)) throw error;
  console.log(error instanceof UsageError, error.exitCode, error.message);
}

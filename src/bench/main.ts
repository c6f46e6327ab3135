// `npm run bench -- NAME`: runs one bench and prints the machine and its figures.

import { machineText } from "./machine.js";

const benches: Record<string, () => Promise<{ bench: () => Promise<void> }>> = {
  all: () => import("./all.js"),
  "cold-start": () => import("./cold-start.js"),
  "ctr-pairs": () => import("./ctr-pairs.js"),
  defaults: () => import("./defaults.js"),
  ffm: () => import("./ffm.js"),
  gbdt: () => import("./gbdt.js"),
  "gowalla-table": () => import("./gowalla-table.js"),
  graph: () => import("./graph.js"),
  index: () => import("./hnsw.js"),
  growth: () => import("./growth.js"),
  "how-large": () => import("./how-large.js"),
  "hidden-times": () => import("./hidden-times.js"),
  implicit: () => import("./implicit.js"),
  inductive: () => import("./inductive.js"),
  mcmc: () => import("./mcmc.js"),
  net: () => import("./net.js"),
  "net-peer": () => import("./net-peer.js"),
  picture: () => import("./picture.js"),
  results: () => import("./results.js"),
  "rows-on-disk": () => import("./rows-on-disk.js"),
  search: () => import("./search.js"),
  threads: () => import("./threads.js"),
  "two-tower": () => import("./two-tower.js"),
  "fuzz-log": () => import("./fuzz-log.js"),
  "fuzz-runs": () => import("./fuzz-runs.js"),
};

const name = process.argv[2] ?? "";
const load = benches[name];
if (load) {
  const { bench } = await load();
  // the child of a bench leaves the machine to its parent, because measuring it takes both cores for a while; a fuzzing
  // bench has no figures that depend on the machine
  if (!name.startsWith("fuzz-") && !process.argv.includes("--child")) console.log(await machineText());
  await bench();
} else {
  console.error(`usage: npm run bench -- ${Object.keys(benches).join("|")}`);
  process.exitCode = 64;
}

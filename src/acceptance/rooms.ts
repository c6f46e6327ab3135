// The rooms (folders) of src/ in the order of imports, and the doors of each: the files that other rooms import.
// architecture.test.ts checks both. src/README.md describes the rooms.

import { functions } from "../faces/library/functions.js";

/** A room: a folder of src/. */
export interface Room {
  /** its folders in the order of imports; "." stands for all its other files */
  parts?: string[];
  /** the files that other rooms may import, by path in the room; `*` stands for any name; without the list, all */
  doors?: string[];
}

/** Returns the files with the functions of commands, which are doors. */
const called = (room: string): string[] =>
  functions.flatMap(({ file }) =>
    file.startsWith(`${room}/`) ? [file.slice(room.length + 1, -".js".length)] : [],
  );
const words = (text: string): string[] => text.trim().split(/\s+/);

/**
 * The rooms; each imports from itself and from rooms above it. src/index.ts comes after the last. Tests may import every
 * file.
 */
export const rooms: Record<string, Room> = {
  // errors, bytes on disk, numbers
  base: {
    parts: ["errors", "io", "numeric"],
  },
  // kernels, threads, solvers
  compute: {
    parts: ["kernels", "threads", "solvers"],
    doors: words(`
      kernels/*/binding kernels/*/layout kernels/fm/repeats kernels/fm/slice-groups kernels/fm/state
      kernels/net/shape kernels/ranking/partitions kernels/ranking/tables kernels/sgns/parts
      kernels/shared/barrier kernels/shared/dense kernels/shared/load kernels/shared/memory
      kernels/shared/packed-arrays kernels/shared/placed kernels/shared/struct kernels/two-tower/inputs
      solvers/cholesky solvers/graph-filter/graph-filter solvers/graph-filter/machine
      solvers/graph-filter/plateau solvers/inverse solvers/logistic solvers/ridge/ridge solvers/rotation
      solvers/svd/exact solvers/svd/filter solvers/svd/lanczos solvers/svd/matrix
      solvers/svd/matrix-blocks solvers/svd/symmetric solvers/svd/truncated-svd
      threads/idle threads/kernel-thread threads/process-limits threads/rounds threads/thread-choice
      threads/threaded-kernel threads/with-machine
    `),
  },
  // an option table → flags, keys of a file, refusals
  options: {
    doors: words(`
      check-given commander-flags config-file flag-words from-file setting table yaml-file
    `),
  },
  // bytes → columns with roles
  log: {
    parts: [".", "spark", "duckdb"],
    doors: words(`
      directory duckdb/open file-columns form grouped-rows infer keys limits log look-alikes
      multi-value-cells named-log nulls number open rounded-keys skip-advice spark/batches
      spark/escaped-cells spark/executors spark/json-rows spark/mllib-als spark/open spark/plans
      spark/session spark/upload text/separator time
    `),
  },
  // columns → rows, sequences, graph, splits, samples
  dataset: {
    parts: [".", "sampling"],
    doors: words(`
      build collect columns dataset encoded/description encoded/open encoded/play-roles encoded/read
      encoded/write encoding.worker filters/event-limits filters/heavy-users
      filters/where filters/where-rows graph/edge-list graph/graph graph/graph-facts
      graph/item-neighbors hash-keys item-fields labels multi numeric roles rows sampling/negative-rows
      sampling/negatives sampling/noise-distribution sampling/oov-dropout sampling/ranking-events
      sampling/skip-grams sampling/training-events sequences/event-weights sequences/interactions
      sequences/ordered-events sequences/sequences sequences/transitions side sparse-fields splits/split
      splits/split-like steps stored-columns test-vectors time-fields vocabulary/key-counts
      vocabulary/key-index vocabulary/known-keys vocabulary/last-seen vocabulary/preprocess
      vocabulary/vocabulary vocabulary/vocabulary-limits
    `),
  },
  // vectors with their keys, the run directory, search, import
  table: {
    parts: [".", "retrieval", "import"],
    doors: words(`
      added arrow gate-file import/collector import/delimited import/formats import/npy-array
      import/whole-file key-history manifest manifest-shape own-run publication retrieval/hnsw/build
      retrieval/hnsw/file retrieval/hnsw/graph retrieval/hnsw/search retrieval/hnsw/space
      retrieval/k-means retrieval/nearest retrieval/nearest-points retrieval/neighbors
      retrieval/top-items rows run-directory safetensors search-codes table
    `),
  },
  // scores and labels → metrics, baselines, intervals
  metrics: {
    doors: words(`
      alignment baselines/baselines baselines/input comparison edges label-metrics leaderboard metrics
      pace rankers ranking scored-metrics search-gain shared-rows table-diff table-facts tied-ranking
      user-metric vectors-add
    `),
  },
  // a table → formats and servers
  export: {
    doors: words(`
      delta dtype encoded-rows encodings export-table files/npy files/vector-indexes format formats
      key-rules lists narrow onnx/columns onnx/graph onnx/model reserve row-formats row-table selection
      servers/list-servers servers/server
    `),
  },
  // what all trainers share: reading, the session, epochs, capabilities
  training: {
    doors: words(`
      capabilities/encoded-chunks capabilities/folded-keys capabilities/forgetting/forgetting
      capabilities/key-vectors capabilities/model capabilities/network-fields capabilities/rotation
      capabilities/row-predictor capabilities/run-space capabilities/table-model
      capabilities/vector-columns epochs/checkpoint epochs/early-stopping epochs/epoch-loop
      epochs/named-arrays examples/examples examples/feature-table examples/item-file
      examples/ranking-examples examples/training-examples reading/bad-row-report reading/candidates
      reading/open-as-trained reading/read-dataset reading/run-parts reading/split-parts
      reading/users-and-items session/describe-run session/feature-plan session/feature-training
      session/needs session/refit session/session session/summary session/trainer session/watch
      session/with-engine shared-options/columns shared-options/content-options shared-options/features
      shared-options/log shared-options/passes shared-options/reading shared-options/run-options
      shared-options/split-options shared-options/transform-options shared-options/weekly
      split-metrics/evaluate-scores split-metrics/ranked-items split-metrics/split-metrics
      warm-start/carried-keys warm-start/init-run warm-start/table-init warnings/leaks
      warnings/outcome-warnings warnings/training-warnings warnings/vectors-add
    `),
  },
  // a folder each
  trainers: {
    parts: ["shared", "."],
    doors: words(`
      index
    `),
  },
  // commands that use a run
  use: {
    parts: ["rank-items", ".", "on-spark"],
    doors: called("use").concat(
      words(`
      codes/prefixes compose composed-items content/edge-files content/fold-in-items content/map
      export/check-options export/options import/options index/options index/search index/source
      item-keys key-labels key-names neighbors/neighbor-rows on-spark/recall on-spark/rows options
      predict/options predict/scored-rows rank-items/measure rank-items/new-users rank-items/protocol
      rank-items/run-ranker rank-items/user-events recall/list-files recall/options
      recall/requested-lists recall/send-lists recall/summary tables
    `),
    ),
  },
  // commands that judge a log or a run
  judge: {
    parts: ["report/page", "."],
    doors: called("judge").concat(
      words(`
      compare/handed-over compare/options evaluate/options evaluate/parts inspect/options lift/options
      lift/summary report/options report/report reproduce/run-recipe starter/newest-gate
      starter/pipeline-starter
    `),
    ),
  },
  // the weekly job, its gates and its store
  weekly: {
    parts: ["store", "gates", "."],
    doors: called("weekly").concat(
      words(`
      forget/options gates/options pipeline/file pipeline/options pipeline/report store/options
      store/store
    `),
    ),
  },
  // the command line, the library, the Python package
  faces: {
    parts: ["cli", "library"],
    doors: words(`
      library/call library/watching
    `),
  },
};

/**
 * Imports of a room from one below it, as `FILE FILE`, with the reason. Only `import type` is allowed, and nothing is
 * better.
 */
export const upward: Record<string, string> = {};

/** Built-in modules that have no effect outside of the process; every file may import them. */
export const openToAll = [
  "node:path",
  "node:url",
  "node:util",
  "node:buffer",
  "node:events",
  "node:perf_hooks",
];

/** Packages and built-in modules, and the folder or the files whose imports they may be. */
export const packages: { at: string | RegExp; names: string; because?: string }[] = [
  {
    at: "base/io",
    names:
      "node:fs node:fs/promises node:zlib node:stream node:stream/promises node:crypto node:os node:process node:module apache-arrow",
  },
  {
    at: /^compute\/kernels\/shared\/load$/,
    names: "node:fs node:fs/promises",
    because: "it reads the compiled modules",
  },
  { at: "compute/threads", names: "node:worker_threads node:os" },
  {
    at: /^compute\/threads\/(process-limits|idle)$/,
    names: "node:fs node:v8 node:vm",
    because:
      "Linux tells the limits of a process in files, and V8 lets go of addresses when it collects garbage",
  },
  { at: "compute/solvers", names: "ml-matrix" },
  { at: "options", names: "commander yaml zod" },
  { at: "log", names: "papaparse hyparquet hyparquet-compressors" },
  {
    at: /^log\/(scan-thread|(text|parquet)\/scan\.worker)$/,
    names: "node:worker_threads",
    because:
      "its threads take chunks in turn and answer in order, which a pool that runs one task on all does not",
  },
  {
    at: /^log\/(spark\/|duckdb\/|digest$)/,
    names:
      "@grpc/grpc-js apache-arrow node:crypto node:timers/promises node:module node:fs/promises node:os node:zlib",
    because:
      "docs/decisions/0025-spark-connect-as-an-engine.md; DuckDB is loaded by its path and writes temporary files",
  },
  { at: "dataset", names: "apache-arrow" },
  { at: "table", names: "apache-arrow" },
  { at: "table/retrieval", names: "usearch" },
  { at: "table/import", names: "fflate" },
  {
    at: "export",
    names:
      "hyparquet-writer fflate usearch node-sqlite3-wasm @redis/client pg pg-copy-streams node:crypto node:stream node:stream/promises node:timers/promises",
    because: "docs/decisions/0010-exports-into-servers.md",
  },
  { at: "training", names: "node:os" },
  // the code of programs on a server's executors, and the code that transfers it to them
  { at: "use/on-spark", names: "node:v8 node:zlib node:fs/promises" },
  { at: "judge/report", names: "umap-js", because: "docs/decisions/0018-umap-by-a-package.md" },
  { at: "judge/report/page", names: "@observablehq/plot linkedom" },
  { at: "weekly", names: "yaml zod" },
  // hooks are commands of the user, in processes of their own
  { at: "faces/cli", names: "commander ora node:os node:process node:child_process node:tty" },
  {
    at: /^faces\/cli\/(terminal|signals|report-error|command-thread|start-thread|command\.worker|main-thread)$/,
    names: "node:worker_threads node:fs node:fs/promises node:stream node:timers/promises",
    because:
      "the main thread takes signals, ends a command that does not stop by itself, and removes what that leaves",
  },
  { at: "faces/library", names: "commander" },
  {
    at: /^faces\/library\/write-entry$/,
    names: "node:fs",
    because: "it is a step of the build, which writes beside the compiled files",
  },
];

/** Folders that only tests and benchmarks may import; their own imports and output are not restricted. */
export const scaffolding = ["acceptance", "testing", "bench"];

/** Global names that stand for the terminal or the process, which only the command line may use. */
export const terminal: { pattern: RegExp; name: string; but?: { file: RegExp; pattern: RegExp } }[] = [
  { name: "console", pattern: /(?<![\w.$"'`/-])console\s*[.[]/ },
  {
    name: "process",
    pattern: /(?<![\w.$"'`/-])process\s*[.[]/,
    // a temporary output contains its writer's pid, so that a later command can tell whether the writer still runs
    but: { file: /^base\/io\//, pattern: /^process\.(pid|kill|version)\b/ },
  },
];

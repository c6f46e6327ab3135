// The rooms (folders) of src/ and the import rules of each as data, which architecture.test.ts checks
// (docs/architecture.md).

/** Import rules of one room, which is a folder of src/: the modules that its files may import. */
export interface Room {
  /** other folders of src/ whose files may be imported; a single file is named by its path without .ts */
  mayImport: string[];
  /** packages and built-in modules that may be imported, besides those that every folder may import */
  packages?: string[];
}

const words = (text: string): string[] => text.split(" ");

/** Built-in modules that have no effect outside of the process. */
export const openToAll = [
  "node:path",
  "node:url",
  "node:util",
  "node:buffer",
  "node:events",
  "node:perf_hooks",
];

const disk = [
  "node:fs",
  "node:fs/promises",
  "node:zlib",
  "node:stream",
  "node:stream/promises",
  "node:crypto",
];

const belowTrainers =
  "errors io config numeric kernels workers log engine dataset sampling solvers embedding retrieval evaluation import export report";

/**
 * Import rules of each room (folder of src/). The rooms are in the order in which data passes through them; tests may
 * import every room.
 */
export const rooms: Record<string, Room> = {
  errors: { mayImport: [] },
  io: {
    mayImport: ["errors"],
    packages: [...disk, "node:os", "node:process", "node:module", "apache-arrow"],
  },
  // numeric/ is arithmetic that gives the same bits on every JavaScript engine
  numeric: { mayImport: ["errors"] },
  kernels: { mayImport: ["numeric", "errors"] },
  workers: { mayImport: ["kernels", "errors"], packages: ["node:worker_threads", "node:os"] },
  // log/ reads files in parallel, with a kernel as scanner: docs/decisions/0002-log-reads-in-parallel.md
  log: {
    mayImport: ["io", "kernels", "workers", "errors"],
    packages: ["papaparse", "hyparquet", "hyparquet-compressors"],
  },
  // log/ also parses the data of a server and of DuckDB: docs/decisions/0025-spark-connect-as-an-engine.md
  engine: {
    mayImport: ["log", "io", "kernels", "errors"],
    packages: [
      ...["@grpc/grpc-js", "apache-arrow", "hyparquet", "node:crypto", "node:timers/promises"],
      // the package of DuckDB is loaded by its path, and DuckDB writes temporary files into a folder
      ...["node:module", "node:fs/promises", "node:os", "node:zlib"],
    ],
  },
  // dataset/ imports workers/, because several threads count and encode its rows
  dataset: {
    mayImport: ["log", "io", "kernels", "workers", "numeric", "errors"],
    packages: ["apache-arrow"],
  },
  // sampling/ draws random numbers with hash functions of dataset/, and uses the dictionaries of keys of log/
  sampling: { mayImport: ["dataset", "log", "kernels", "numeric", "errors"] },
  solvers: { mayImport: ["kernels", "numeric", "workers", "errors"], packages: ["ml-matrix"] },
  config: { mayImport: ["io", "errors"], packages: ["yaml", "zod"] },
  embedding: { mayImport: ["io", "errors"], packages: ["apache-arrow"] },
  // an index is read from its file; the levels of its nodes are hashes of keys
  retrieval: {
    mayImport: ["embedding", "io", "kernels", "numeric", "workers", "errors"],
    packages: ["usearch"],
  },
  evaluation: {
    mayImport: ["dataset", "embedding", "retrieval", "solvers", "kernels", "numeric", "errors"],
    // umap-js computes a layout for the maps of reports: docs/decisions/0018-umap-by-a-package.md
    packages: ["umap-js"],
  },
  import: { mayImport: ["embedding", "log", "io", "numeric", "errors"], packages: ["fflate"] },
  // export/ reads lists in the memory layout in which the kernel top-items returns them
  export: {
    mayImport: ["embedding", "kernels", "io", "errors"],
    packages: [
      "hyparquet-writer",
      "fflate",
      "usearch",
      "node-sqlite3-wasm",
      // export/ also writes to servers: docs/decisions/0010-exports-into-servers.md
      "@redis/client",
      "pg",
      "pg-copy-streams",
      "node:crypto",
      "node:stream",
      "node:stream/promises",
      "node:timers/promises",
    ],
  },
  report: {
    mayImport: ["embedding", "evaluation", "errors"],
    packages: ["@observablehq/plot", "linkedom"],
  },
  // training/ is the code that all trainers share: reading of examples, the loop of epochs, checkpoints, refit, search,
  // metrics, the manifest
  training: { mayImport: words(belowTrainers), packages: ["node:os"] },
  // factors/ is the factor model that several trainers share: its parameters, scores, composition of vectors, folding
  // in, and rotation
  factors: { mayImport: words(`${belowTrainers} training`) },
  // skip-grams/ is the code that trainers of skip-grams share: vectors and contexts in shared memory, and warm starts
  "skip-grams": { mayImport: words(`${belowTrainers} training`) },
  // trainers/ needs node:os for the default of --threads
  trainers: { mayImport: words(`${belowTrainers} training factors skip-grams`), packages: ["node:os"] },
  // ranking/ is the code that evaluate, recall and other commands share: ranking of items for users or queries, masking
  // of items, and metrics of ranking
  ranking: { mayImport: words(`${belowTrainers} training trainers`) },
  // recipes/ describes how runs were trained, for commands that train in the same way
  recipes: { mayImport: words(`${belowTrainers} training trainers`) },
  api: {
    mayImport: words(`${belowTrainers} training factors skip-grams trainers ranking recipes`),
    packages: ["ml-matrix"],
  },
  // executors/ is the code that runs on the executors of a Spark server, and the code that transfers it to them;
  // node:v8 serializes the data that an executor gets
  executors: {
    mayImport: words("log engine embedding export io training trainers ranking api errors"),
    packages: ["node:v8", "node:zlib", "node:fs/promises"],
  },
  // a training's flags are also keys of a pipeline file, so that flags/ needs their schema
  flags: { mayImport: ["api", "training", "config", "errors"], packages: ["commander", "node:os"] },
  store: { mayImport: words(`${belowTrainers} training api`) },
  gates: { mayImport: words(`${belowTrainers} training api store`), packages: ["yaml"] },

  pipeline: {
    mayImport: words(`${belowTrainers} training trainers recipes flags api store gates privacy`),
    packages: ["yaml"],
  },
  privacy: { mayImport: words(`${belowTrainers} training factors skip-grams trainers api store pipeline`) },
  cli: {
    mayImport: words("training trainers api executors store gates privacy pipeline flags config errors"),
    // cli/ runs hooks in processes of their own, because they are commands of the user
    packages: ["commander", "ora", "node:os", "node:process", "node:child_process", "node:tty"],
  },
  // the TypeScript functions are the commands without a terminal: docs/decisions/0016-library-from-commands.md
  library: {
    mayImport: words("cli trainers training flags errors"),
    packages: ["commander"],
  },
  index: { mayImport: words("library training api store gates privacy pipeline errors") },
};

/** Files that may import more than the rules of their folder allow. */
export const exceptions: { file: RegExp; mayImport: string[]; because: string }[] = [
  {
    file: /^(cli|flags)\//,
    mayImport: [
      "trainers/*/options",
      "dataset/roles",
      "log/log",
      "log/form",
      "base/io/package-version",
      "export/row-formats",
      "metrics/metrics",
      "metrics/baselines/baselines",
      "metrics/vectors-add",
      "metrics/search-gain",
      "metrics/leaderboard",
    ],
    because:
      "an option is declared once, with its default and help text, and so are the version and what metrics are called",
  },
  {
    file: /^(embedding|retrieval|evaluation|export|report)\//,
    mayImport: ["log/keys"],
    because: "keys are the same bytes in a log's columns and in a table",
  },
  {
    file: /^index$/,
    mayImport: ["table/gate-file"],
    because:
      "what a gate found of a version is part of the package's reports, and is defined with the file it is read from",
  },
  {
    file: /^trainers\//,
    mayImport: ["base/io/json-shape"],
    because:
      "what a file of a model must look like stands beside what writes it, and the check touches no disk",
  },
  {
    file: /^cli\/(terminal|signals|report-error|command-thread|start-thread|command\.worker|main-thread)$/,
    mayImport: [
      "node:worker_threads",
      "node:fs",
      "node:fs/promises",
      "node:stream",
      "node:timers/promises",
      "base/io/leftovers",
      "compute/threads/process-limits",
    ],
    because:
      "the main thread takes signals, ends a command that does not stop by itself, and removes what that leaves",
  },
  {
    file: /^workers\/(process-limits|idle)$/,
    mayImport: ["node:fs", "node:v8", "node:vm"],
    because:
      "Linux tells the limits of a process in files, and V8 lets go of addresses when it collects garbage",
  },
  {
    file: /^library\/write-entry$/,
    mayImport: ["node:fs"],
    because: "it is a step of the build, which writes beside the compiled files",
  },
  {
    file: /^kernels\/shared\/load$/,
    mayImport: ["node:fs", "node:fs/promises"],
    because: "it reads the compiled modules beside it",
  },
  {
    file: /^log\/(scan-thread|(text|parquet)\/scan\.worker)$/,
    mayImport: ["node:worker_threads"],
    because:
      "its threads take chunks in turn and answer in order, which a pool that runs one task on all does not",
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
    but: { file: /^io\//, pattern: /^process\.(pid|kill|version)\b/ },
  },
];

// Valid artifacts for the fuzzer of crafted files: small runs, datasets, checkpoints and files of other programs, each
// with commands that read it.
//
// Placeholders in commands: $R the crafted copy, $B the artifact that it is a copy of, $O a path for output, $D the
// folder of the logs.

import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pick, type Random } from "../testing/random.js";
import { fixture } from "../testing/places.js";
import { embedHere } from "../testing/in-process.js";
import { trainInProcess } from "../testing/training-commands.js";

/** A valid artifact that the fuzzer changes, and commands that read it. */
export interface Base {
  name: string;
  /** path of the artifact in the folder that contains all valid artifacts */
  path: string;
  /** names of the files that may be changed; by default all files */
  files?: RegExp;
  commands: string[];
}

/** Number of rows of each log; small, so that a command takes some milliseconds. */
const ROWS = 120;

const ofEveryRun = [
  "export $R --format csv -o $O",
  "export $R --format npz -o $O",
  "export $R --format arrow -o $O",
  "export $R --format parquet -o $O",
  "export $R --format safetensors --dtype i8 -o $O",
  "export $R --format npy -o $O",
  "diff $B $R --top 2",
  "diff $R $B",
  "report $R -o $O",
  // draws the valid run without UMAP, which takes most of a report's time
  "report $B --against $R --map pca -o $O",
  "align $R --to $B -o $O",
  "align $B --to $R -o $O",
  "publish $R --store $O --name x",
  "gate $R --bounds $D/gates.yaml --previous $B",
];
const ofClicks = [
  ...ofEveryRun,
  "neighbors $R --key item:tea-03",
  "neighbors $R --key user:u019 --metric dot",
  "export $R --format word2vec --field item -o $O",
  "forget $R user:u019 item:tea-03",
  "evaluate $R --on $D/clicks.csv",
  "evaluate $R --part valid",
  "transform $R $D/clicks.csv -o $O",
];
const ofPurchases = ofClicks.map((command) =>
  command
    .replace("clicks.csv", "purchases.csv")
    .replace("user:u019", "user:u091")
    .replace("item:tea-03", "item:tea-07"),
);
const ranked = [
  "evaluate $R --ranking --on $D/purchases.csv --repeats allow",
  "evaluate $R --part valid --ranking --repeats mask",
  "transform $R --fold-in $D/new.csv --field user -o $O",
];
const fnn = "export $R --format fnn --reserve keras -o $O";
const init = (train: string) => `${train} --init $R -o $O`;

const fm = "train-fm $D/clicks.csv --dim 4 --epochs 1 --valid 0.2 --split random";
const buyers = "$D/purchases.csv --user customer_id --item product_id --dim 4 --valid 0.2 --split random";
const ranking = `train-ranking ${buyers} --epochs 1`;
const towers = `train-two-tower ${buyers} --history others --epochs 1`;
const trees = "train-gbdt $D/clicks.csv --num-trees 3 --num-leaves 4 --valid 0.2 --split random";
const net =
  "train-net $D/clicks.csv --arch wide-deep --hidden 8,4 --dim 4 --epochs 1 --valid 0.2 --split random";

/** The command that trains each run, and further commands that read the run. */
const runs: Record<string, [train: string, commands: string[]]> = {
  fm: [`${fm} --keep-state --numeric hour`, [...ofClicks, fnn, init(`${fm} --numeric hour`), init(net)]],
  lr: [`${fm} --model lr`, ofClicks],
  ffm: [`${fm} --model ffm`, [...ofClicks, init(`${fm} --model ffm`)]],
  draws: [
    `${fm} --method mcmc --epochs 4`,
    [...ofClicks, fnn, "transform $R --fold-in $D/clicks.csv --field user -o $O"],
  ],
  hashed: [`${fm} --hash user_id:6`, ofClicks],
  negatives: [`train-fm ${buyers} --negatives 1 --epochs 1`, [...ofPurchases, ...ranked]],
  ranking: [ranking, [...ofPurchases, ...ranked, init(ranking)]],
  implicit: [`train-als ${buyers} --epochs 1`, [...ofPurchases, ...ranked]],
  pca: [`train-pca ${buyers}`, [...ofPurchases, ...ranked]],
  features: ["train-pca $D/clicks.csv --matrix features --dim 3", ofClicks],
  trees: [
    `${trees} --head lr --ctr user_id --entity item_id --dim 2 --dense 2`,
    [...ofClicks, "transform $R $D/clicks.csv --dense -o $O", "export $R --table leaves -o $O --format csv"],
  ],
  plain: [
    trees,
    [
      ...ofClicks,
      "transform $R $D/clicks.csv --features -o $O",
      "predict $R $D/clicks.csv -o $O",
      init(trees),
    ],
  ],
  network: [net, [...ofClicks, "export $R --format onnx -o $O", init(net)]],
  towers: [
    towers,
    [
      "export $R --format onnx --onnx-part user -o $O",
      "export $R --format onnx --onnx-part item -o $O",
      "predict $R $D/purchases.csv -o $O",
      "recall $R --k 3 -o $O",
      init(towers),
    ],
  ],
  searched: [`${fm} --search 2`, ["report $R -o $O", "reproduce $R", "export $R --format csv -o $O"]],
};

/** Files of a run that few commands read; the fuzzer changes these more often. */
const sideFiles: Record<string, RegExp> = {
  network: /^model\/(?:net|items|preprocess)/,
  towers: /^model\//,
  searched: /^trials\.jsonl$/,
};

/**
 * Trainings that are killed once their checkpoint contains the text `has`; commands then resume from a changed copy of
 * the checkpoint.
 */
const checkpoints: Record<string, [train: string, has?: string]> = {
  fm: [`${fm} --patience 0 --epochs 200`],
  ffm: [`${fm} --model ffm --patience 0 --epochs 200`],
  draws: [`${fm} --method mcmc --epochs 200`],
  alternating: [`${fm} --method als --patience 0 --epochs 200`],
  ranking: [`${ranking} --patience 0 --epochs 200`],
  implicit: [`train-als ${buyers} --patience 0 --epochs 200`],
  towers: [`${towers} --patience 0 --epochs 100`],
  network: [`${net} --patience 0 --epochs 100`],
  sessions: ["train-item2vec $D/purchases.csv --session customer_id --item product_id --dim 4 --epochs 200"],
  walks: [
    "train-graph $D/purchases.csv --source customer_id --target product_id --dim 4 --num-walks 1 --epochs 20",
  ],
  content: [
    "train-graph $D/purchases.csv --method eges --session customer_id --item product_id --dim 4 --num-walks 1 --epochs 20",
  ],
  trees: [`${trees} --patience 0 --num-trees 200`],
  "cross-fitted": [
    `${trees} --head lr --cross-fit 2 --patience 0 --min-data-in-leaf 5 --num-trees 100`,
    '"done"',
  ],
  search: [`${fm} --epochs 2 --search 40`, '"trial":2'],
  refit: [`${fm} --patience 0 --refit --epochs 300`, '"first"'],
};

const ofDataset = [
  "inspect $R",
  "train-fm $R --epochs 1 --dim 4 -o $O",
  "train-gbdt $R --num-trees 2 -o $O",
  "gate $R --bounds $D/gates.yaml",
];
const indexes = [
  ["item", "dot"],
  ["user", "l2"],
] as const;
const ofIndex = (key: string) => [
  `neighbors $D/fm --key ${key} --index $R`,
  `neighbors $D/fm --key ${key} --index $R --top 100 --ef 5`,
  "evaluate $D/fm --index $R --k 5 --ef 5,50",
];
const foreign = ["transform --model $R $D/foreign.csv -o $O", "predict --model $R $D/foreign.csv -o $O"];

/** Creates all valid artifacts, which the fuzzer then changes. */
export async function makeBases(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const head = (name: string) =>
    readFileSync(fixture(name), "utf8")
      .split("\n")
      .slice(0, ROWS + 1)
      .join("\n");
  writeFileSync(join(folder, "clicks.csv"), `${head("clicks.csv")}\n`);
  // removes the time column, because all of its values would be distinct keys
  const purchases = head("purchases.csv").replaceAll(/,[^,\n]*$/gm, "");
  writeFileSync(join(folder, "purchases.csv"), `${purchases}\n`);
  writeFileSync(join(folder, "new.csv"), `${purchases.replaceAll(/^u/gm, "new-u")}\n`);
  cpSync(fixture("foreign/rows.csv"), join(folder, "foreign.csv"));
  cpSync(fixture("gates.yaml"), join(folder, "gates.yaml"));
  for (const [name, [train]] of Object.entries(runs)) await run(folder, `${train} -o $D/${name} --quiet`);
  await run(folder, "encode $D/clicks.csv -o $D/dataset --quiet");
  for (const [field, metric] of indexes)
    await run(folder, `index $D/fm --field ${field} --metric ${metric} -o $D/${field}-index --quiet`);
  for (const [format, file] of archives)
    await run(folder, `export $D/fm --format ${format} --field item -o $D/${file} --quiet`);
  for (const name of ["binary.txt", "classes.txt", "logistic.json", "softprob.json"])
    cpSync(fixture(`foreign/${name}`), join(folder, name));
  for (const [name, [train, has]] of Object.entries(checkpoints))
    await checkpoint(folder, `${name}.checkpoint`, train, has);
}

const archives = [
  ["npz", "items.npz"],
  ["npy", "items-npy"],
  ["faiss", "items-faiss"],
  ["safetensors", "items.safetensors"],
  ["word2vec-bin", "items.bin"],
  ["csv", "items.csv"],
] as const;

/** All valid artifacts that the fuzzer changes, in a fixed order. */
export const bases: readonly Base[] = [
  ...Object.entries(runs).map(([name, [, commands]]): Base => ({
    name,
    path: name,
    commands,
  })),
  ...Object.entries(sideFiles).map(([name, files]): Base => ({
    name: `files beside ${name}`,
    path: name,
    files,
    commands: runs[name]![1],
  })),
  { name: "dataset", path: "dataset", commands: ofDataset },
  ...indexes.map(([field, metric]): Base => ({
    name: `index of ${field} by ${metric}`,
    path: `${field}-index`,
    commands: ofIndex(field === "item" ? "item:tea-03" : "user:u019"),
  })),
  ...archives.map(([format, path]): Base => {
    const commands = [`import $R --format ${format} --field item -o $O`];
    return { name: `import of ${format}`, path, commands };
  }),
  ...["binary.txt", "classes.txt", "logistic.json", "softprob.json"].map((path): Base => ({
    name: path,
    path,
    commands: foreign,
  })),
  ...Object.entries(checkpoints).map(([name, [train]]): Base => ({
    name: `checkpoint of ${name}`,
    path: `${name}.checkpoint`,
    commands: [`${train} --resume -o $R`],
  })),
];

/** A store with a pipeline and its log: two versions, with gates, lists and an export. */
const PIPELINE = `
name: job
store: store
log: purchases.csv
columns: { user: customer_id, item: product_id }
train:
  items: { command: train-als, epochs: 1, dim: 4, valid: 0.2, split: random }
gates:
  before: { rows: { min: 10, within: 90% }, users: { within: 90% } }
  after: { zero: { max: 90% }, lists: { empty: { max: 90% }, coverage: { min: 0%, within: 90% } } }
align: true
recall:
  - { k: 3, out: lists.csv }
export:
  - { format: csv, field: item, out: items.csv }
`;

/** Artifacts for jsonCases alone. In a job, version 1 can always be removed, and `latest` points to version 2. */
export const jobs: readonly Base[] = [
  {
    name: "job",
    path: "job",
    commands: [
      "ls $R/store",
      "ls $R/store --quick",
      "gc $R/store --keep 1",
      "gc $R/store items --remove 1",
      "forget $R/store user:u091",
      "export $R/store/items/latest --format csv -o $O",
      "export $R/store/items/000001 --format csv -o $O",
      "rollback $R/store/items",
      "publish $D/fm --store $R/store --name items",
      "report $R/store/items -o $O",
      "gate $R/store/items/000001 --bounds $D/gates.yaml --previous $R/store/items/000002",
      "gate $R/store/items/000002 --bounds $D/gates.yaml --previous $R/store/items/000001",
      "run $R/job.yaml",
      "run $R/job.yaml --dry-run",
      "run $R/job.yaml --force",
    ],
  },
  {
    name: "page of a comparison",
    path: "page.html",
    commands: ["init --from $R -o $O", "init --from $R --run fm -o $O"],
  },
  {
    name: "run on a dataset that is gone",
    path: "of-gone",
    commands: ["reproduce $R", "init --like $R -o $O"],
  },
  { name: "run", path: "fm", commands: ["reproduce $R", "init --like $R -o $O"] },
];

/** Creates the artifacts for jsonCases alone, after makeBases. */
export async function makeJobs(folder: string): Promise<void> {
  const job = join(folder, "job");
  mkdirSync(job);
  writeFileSync(join(job, "job.yaml"), PIPELINE);
  const log = readFileSync(join(folder, "purchases.csv"), "utf8");
  for (const rows of [ROWS - 20, ROWS]) {
    const lines = log.split("\n").slice(0, rows + 1);
    writeFileSync(join(job, "purchases.csv"), [...lines, ""].join("\n"));
    await run(folder, "run $D/job/job.yaml --quiet");
  }
  // the next run takes over the outputs of all steps, and publishes them with one more export
  writeFileSync(join(job, "job.yaml"), `${PIPELINE}  - { format: csv, field: item, out: again.csv }\n`);
  await run(
    folder,
    "compare $D/clicks.csv --trainers train-fm --search 2 --bootstrap 2 -o $D/page.html --quiet",
  );
  await run(folder, "encode $D/clicks.csv -o $D/gone --quiet");
  await run(folder, "train-fm $D/gone --dim 4 --epochs 1 -o $D/of-gone --quiet");
  rmSync(join(folder, "gone"), { recursive: true });
}

/**
 * Commands that train or that start threads for every field. Each takes five times as long, so they are run a fifth as
 * often.
 */
const SLOW = /^(report|diff|align|gate|train)/;

/** Returns a random one of the commands that read an artifact. */
export function commandOf({ commands }: Base, random: Random): string {
  const slow = commands.filter((command) => SLOW.test(command));
  const others = commands.filter((command) => !SLOW.test(command));
  return pick(others.length === 0 || (slow.length > 0 && random() < 0.12) ? slow : others, random);
}

/** Splits a command into words and replaces its placeholders. */
export function wordsOf(command: string, places: Record<string, string>): string[] {
  return command.split(" ").map((word) => word.replaceAll(/\$[A-Z]/g, (name) => places[name] ?? name));
}

async function run(folder: string, command: string): Promise<void> {
  const { code, stderr } = await embedHere(wordsOf(command, { $D: folder }));
  if (code !== 0) throw new Error(`embed ${command} ended with ${code}: ${stderr.toString("utf8")}`);
}

/** Creates the checkpoint of a training by aborting it. */
async function checkpoint(folder: string, name: string, train: string, has = ""): Promise<void> {
  const out = join(folder, "killed");
  const [command, ...words] = wordsOf(train, { $D: folder });
  const abort = new AbortController();
  const observe = (): void => {
    if (existsSync(`${out}.checkpoint`) && readFileSync(`${out}.checkpoint`).includes(has)) abort.abort();
  };
  const watch = { observe, signal: abort.signal };
  await trainInProcess(command!, [...words, "--checkpoint-every", "1", "-o", out], watch).catch((error) => {
    if (!abort.signal.aborted) throw error;
  });
  renameSync(`${out}.checkpoint`, join(folder, name));
  rmSync(out, { recursive: true, force: true });
}

// All commands as data: a story of each, and arguments of each for the test of signals. A new command adds one of both.

/** A command line, what it prints, and the file that it writes with a pattern of its beginning. */
export interface Story {
  typed: string;
  /** options that are typed in addition to the example, to make it shorter or to name its output */
  more?: string;
  prints?: RegExp;
  writes?: [file: string, text: RegExp];
}

/** Matches a metric of at least .85 in a table of metrics in which it is the column before the last. */
const goodAuc = /test +0\.\d+ +0\.\d+ +0\.(8[5-9]|9)/;
/** Matches the recall of the validation split if it is far above that of popularity, .2. */
const goodRecall = /valid +0\.[6-9]/;

/** The stories of all commands, in an order in which each finds the runs of those before it. */
export const stories: readonly Story[] = [
  {
    typed: "inspect fixtures/clicks.csv",
    prints: /item_id +item +key +96 .*\n(.*\n)*12,000 rows, 6 columns/,
  },
  {
    typed: "encode fixtures/clicks.csv -o clicks-dataset",
    more: "-o dataset",
    writes: ["dataset/dataset.json", /"rows": 12000/],
  },
  { typed: "train-fm fixtures/clicks.csv -o run --valid 0.1 --test 0.1", prints: goodAuc },
  { typed: "train-gbdt fixtures/clicks.csv -o trees --valid 0.1 --test 0.1", prints: goodAuc },
  {
    typed: "train-net fixtures/clicks.csv -o net --arch fnn --valid 0.1 --test 0.1",
    more: "--epochs 4",
    prints: /vectors add: log loss lower by 0\.[1-9]/,
  },
  {
    typed: "train-ranking fixtures/purchases.csv -o run --valid 0.1 --test 0.1",
    more: "-o ranks --epochs 20",
    prints: goodRecall,
  },
  {
    typed: "train-als fixtures/purchases.csv -o run --valid 0.1 --test 0.1",
    more: "-o als",
    prints: goodRecall,
  },
  {
    typed: "train-two-tower fixtures/purchases.csv -o run --valid 0.1 --test 0.1",
    more: "-o towers",
    prints: goodRecall,
  },
  {
    typed: "train-pca fixtures/purchases.csv -o run --user customer_id --item product_id --test 0.1",
    more: "-o pca",
    // seven components separate eight groups, and the first one is popularity
    prints: / 8 +0\.08\d+ .*\n +9 +0\.01\d+ /,
  },
  {
    typed: "train-graph fixtures/edges.csv -o run --source from --target to --weight weight --dim 16",
    more: "-o graph",
    prints: /96 nodes and 464 undirected edges/,
  },
  { typed: "train-item2vec fixtures/purchases.csv -o run --dim 16", more: "-o items2vec" },
  { typed: "neighbors run --key item:tea-03", prints: /similarity +count\n( +tea-\d\d .*\n){8}/ },
  {
    typed: "export run --format word2vec --field item -o items.txt",
    writes: ["items.txt", /^96 16\n[a-z]+-\d\d( -?[\d.e-]+){16}\n/],
  },
  {
    typed: "import items.txt --format word2vec --field item --item item -o foreign",
    writes: ["foreign/manifest.json", /"rows": 96/],
  },
  { typed: "index run --field item -o items", writes: ["items/index.json", /"rows": 96/] },
  {
    typed: "predict run fixtures/clicks.csv --keep user,item -o predictions.csv",
    writes: ["predictions.csv", /^user,item,probability\nu019,garden-09,0\.\d+\n/],
  },
  {
    typed: "transform trees fixtures/clicks.csv -o leaves.csv",
    writes: ["leaves.csv", /^row,t000,t001,.*\n1(,\d+)+\n/],
  },
  {
    typed: "recall ranks --k 20 -o lists.csv",
    writes: ["lists.csv", /^user,rank,item,score\n(u\d+),1,\S+\n\1,2,/],
  },
  { typed: "evaluate run --on fixtures/clicks.csv", prints: /^run +0\.3\d+ ±.* 0\.9\d+ ±/m },
  { typed: "train-fm fixtures/clicks.csv -o run --valid 0.1 --test 0.1", more: "-o other --seed 2" },
  { typed: "train-fm fixtures/clicks.csv -o run --valid 0.1 --test 0.1", more: "-o last --seed 3" },
  { typed: "diff run other", prints: /item_id +96 +0 +0 / },
  { typed: "align run --to last -o aligned", prints: /item_id .* 0\.9\d+/ },
  { typed: "train-als fixtures/purchases.csv -o run --valid 0.1 --test 0.1", more: "-o taste" },
  {
    typed: "train-pca fixtures/purchases.csv -o run --user customer_id --item product_id --test 0.1",
    more: "-o next --matrix transitions --time purchased_at --dim 8",
  },
  { typed: "concat taste=1 next=20 -o both", prints: /^next +20 +8$/m },
  { typed: "reproduce run", prints: /^same +embeddings\.arrow$/m },
  {
    typed: "lift fixtures/clicks.csv --init run --arch fnn --valid 0.1 --test 0.1",
    more: "--hidden 4 --epochs 1 --seeds 2 --learning-rates 0.001 --embedding-learning-rates 0.08",
  },
  {
    typed: "compare fixtures/purchases.csv -o purchases.html --repeats allow --trainers train-pca,train-als",
    writes: ["purchases.html", /als/],
  },
  { typed: "report run -o report.html", writes: ["report.html", /^<!doctype html>/i] },
  { typed: "gate dataset --bounds fixtures/gates.yaml", prints: /^ok +rows +12,000: min 1000$/m },
  { typed: "publish run --store store --name items", prints: /000001/ },
  { typed: "publish run --store store --name items", prints: /000002/ },
  { typed: "ls store", prints: /000001 +train-fm .* whole\n.*000002 +\* +train-fm .* whole/ },
  { typed: "rollback store/items", prints: /000001: is now the latest version, 000002 was/ },
  { typed: "forget store user:u019 item:tea-03", prints: /000001: \d+ rows and entries forgotten/ },
  { typed: "gc store --keep 8" },
  { typed: "init fixtures/clicks.csv -o pipeline.yaml", writes: ["pipeline.yaml", /command: train-fm/] },
  { typed: "run fixtures/pipeline.yaml --dry-run", prints: /^publish items +run/m },
  {
    typed: "schedule fixtures/pipeline.yaml --weekly 'sun 03:00' --as crontab",
    prints: /^0 3 \* \* 0 .* run .*pipeline\.yaml/m,
  },
  { typed: "completion bash", prints: /train-fm/ },
  { typed: "help splits", prints: /--split time/ },
];

/**
 * Arguments of each command that does not train, in the folder that signals.long.test.ts prepares; `out` is the path of a
 * run that the command may write.
 */
export const signalledArguments: Readonly<Record<string, readonly string[]>> = {
  inspect: ["log.csv"],
  encode: ["log.csv", "-o", "out-dataset"],
  lift: ["log.csv", "--init", "run", "--arch", "fnn", "--valid", "0.1", "--test", "0.1", "--epochs", "2"],
  predict: ["run", "log.csv", "-o", "out.csv"],
  transform: ["run", "log.csv", "-o", "out.csv"],
  import: ["items.txt", "--format", "word2vec", "--field", "item", "--item", "item", "-o", "out"],
  export: ["run", "--format", "csv", "-o", "out.csv"],
  index: ["run", "--field", "item", "-o", "out-index"],
  neighbors: ["run", "--key", "item:tea-03"],
  recall: ["run", "--repeats", "allow", "-o", "out.csv"],
  evaluate: ["run", "--on", "log.csv", "--bootstrap", "20000"],
  compare: ["log.csv", "-o", "out.html", "--trainers", "train-fm"],
  diff: ["run", "other"],
  report: ["run", "-o", "out.html"],
  publish: ["run", "--store", "store", "--name", "items"],
  rollback: ["store/items"],
  ls: ["store"],
  gc: ["store", "--keep", "1"],
  forget: ["store", "item:tea-03"],
  gate: ["run", "--bounds", "gates.yaml"],
  run: ["pipeline.yaml"],
  init: ["log.csv", "-o", "out.yaml"],
  align: ["run", "--to", "other", "-o", "out"],
  concat: ["ranks=1", "ranks=1", "-o", "out"],
  reproduce: ["run"],
  schedule: ["pipeline.yaml", "--daily", "04:30", "--as", "systemd"],
  help: ["splits"],
  completion: ["bash"],
};

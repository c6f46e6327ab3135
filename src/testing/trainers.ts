// All trainers as data, for the contract suite and the generator of option combinations. A new trainer adds one row.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { plantedEvents } from "./planted-events.js";
import { between, mulberry32 } from "./random.js";

/**
 * Names of the planted logs: events with labels, events without labels, and six numeric columns that are sums of two
 * factors.
 */
export type PlantedLog = "clicks" | "purchases" | "numbers";

/** The planted structure that a trainer must find. Each kind is checked in its own way. */
export type Answer =
  /** the model predicts clicks: measured by the AUC on the test split */
  | "clicks"
  /** the nearest neighbors of an item belong to its group */
  | "groups"
  /** the first two principal components explain almost all of the variance */
  | "factors";

export interface TrainerRow {
  /** name of the trainer in the names of tests */
  name: string;
  command: string;
  log: PlantedLog;
  /** options that state the roles of the log's columns */
  columns: string[];
  /** kind of model, and options with which the trainer finds the planted structure */
  options: string[];
  answer: Answer;
  /** options of the trainer's smallest training, for logs of a few rows and for generated combinations of options */
  small: string[];
}

const words = (text: string): string[] => text.split(" ");
const clicks = words("--label click --user user_id --item item_id --fields user_id,item_id,device");
const purchases = words("--user user_id --item item_id --fields user_id,item_id");

/** All trainers, each with a planted log and the options for the tests. */
export const trainers: readonly TrainerRow[] = [
  {
    name: "train-fm",
    command: "train-fm",
    log: "clicks",
    columns: clicks,
    options: words("--dim 8 --epochs 40 --patience 40 --learning-rate 0.2 --l2-vector 0.001"),
    answer: "clicks",
    small: words("--dim 2 --epochs 2"),
  },
  {
    name: "train-fm --model ffm",
    command: "train-fm",
    log: "clicks",
    columns: clicks,
    options: words("--model ffm --epochs 40 --patience 40 --learning-rate 0.2"),
    answer: "clicks",
    small: words("--model ffm --dim 2 --epochs 2"),
  },
  {
    name: "train-fm --method mcmc",
    command: "train-fm",
    log: "clicks",
    columns: clicks,
    options: words("--method mcmc --dim 4 --epochs 20"),
    answer: "clicks",
    small: words("--method mcmc --dim 2 --epochs 3"),
  },
  {
    name: "train-ranking",
    command: "train-ranking",
    log: "purchases",
    columns: purchases,
    options: words("--dim 8 --epochs 10"),
    answer: "groups",
    small: words("--dim 2 --epochs 2"),
  },
  {
    name: "train-als",
    command: "train-als",
    log: "purchases",
    columns: purchases,
    options: words("--dim 4 --epochs 6"),
    answer: "groups",
    small: words("--dim 2 --epochs 2"),
  },
  {
    name: "train-two-tower",
    command: "train-two-tower",
    log: "purchases",
    columns: words("--item item_id --user user_id --time timestamp"),
    options: words("--dim 8 --epochs 10 --keep-repeats"),
    answer: "groups",
    small: words("--dim 2 --epochs 2 --negatives 8"),
  },
  {
    name: "train-item2vec",
    command: "train-item2vec",
    log: "purchases",
    columns: words("--item item_id --session user_id"),
    options: words("--dim 8 --epochs 10"),
    answer: "groups",
    small: words("--dim 2 --epochs 2"),
  },
  {
    name: "train-graph",
    command: "train-graph",
    log: "purchases",
    columns: words("--item item_id --session user_id"),
    options: words("--undirected --dim 8 --num-walks 4 --walk-length 20 --window 4 --epochs 6"),
    answer: "groups",
    small: words("--dim 2 --num-walks 1 --walk-length 4 --epochs 2"),
  },
  {
    name: "train-graph --method line",
    command: "train-graph",
    log: "purchases",
    columns: words("--item item_id --session user_id"),
    options: words("--method line --undirected --dim 16 --samples 20000 --epochs 6 --patience 6"),
    answer: "groups",
    small: words("--method line --order 2 --dim 2 --samples 200 --epochs 2"),
  },
  {
    name: "train-graph --method eges",
    command: "train-graph",
    log: "purchases",
    columns: words("--item item_id --session user_id"),
    options: words("--method eges --item-fields kind,tags --undirected --dim 8 --num-walks 4 --epochs 6"),
    answer: "groups",
    small: words("--method eges --item-fields kind --dim 2 --num-walks 1 --walk-length 4 --epochs 2"),
  },
  {
    name: "train-gbdt",
    command: "train-gbdt",
    log: "clicks",
    columns: clicks,
    options: words("--num-trees 60 --num-leaves 8 --min-data-per-group 5 --cat-smooth 1"),
    answer: "clicks",
    small: words("--num-trees 3 --num-leaves 4 --min-data-in-leaf 5"),
  },
  {
    name: "train-net",
    command: "train-net",
    log: "clicks",
    columns: clicks,
    options: words(
      "--arch fnn --activation relu --dim 4 --hidden 16 --epochs 30 --patience 30 --learning-rate 0.01 --embedding-learning-rate 0.5 --batch-size 32",
    ),
    answer: "clicks",
    small: words("--arch fnn --dim 2 --hidden 4 --epochs 2"),
  },
  {
    name: "train-pca",
    command: "train-pca",
    log: "purchases",
    columns: purchases,
    options: words("--dim 4"),
    answer: "groups",
    small: words("--dim 2"),
  },
  {
    name: "train-pca --matrix features",
    command: "train-pca",
    log: "purchases",
    columns: purchases,
    options: words("--matrix features --dim 4"),
    answer: "groups",
    small: words("--matrix features --dim 2"),
  },
  {
    name: "train-pca --matrix columns",
    command: "train-pca",
    log: "numbers",
    columns: words("--numeric a,b,c,d,e,f"),
    options: words("--matrix columns"),
    answer: "factors",
    small: words("--matrix columns --dim 2"),
  },
  {
    name: "train-pca --matrix cooccurrence",
    command: "train-pca",
    log: "purchases",
    columns: words("--item item_id --session user_id"),
    options: words("--matrix cooccurrence --dim 4"),
    answer: "groups",
    small: words("--matrix cooccurrence --dim 2"),
  },
  {
    name: "train-pca --matrix transitions",
    command: "train-pca",
    log: "purchases",
    columns: [...purchases, "--time", "timestamp"],
    options: words("--matrix transitions --dim 4"),
    answer: "groups",
    small: words("--matrix transitions --dim 2"),
  },
];

/** Columns that a log of purchases lacks, because purchases have no label. */
const LABELS = ["click", "rating"];

/** Returns the text of a planted log. */
export function plantedText(log: PlantedLog, numRows: number): string {
  if (log === "clicks") return plantedEvents(7, numRows).csv;
  if (log === "purchases") return withoutColumns(plantedEvents(9, numRows, { bought: true }).csv, LABELS);
  const random = mulberry32(5);
  const rows = Array.from({ length: numRows }, () => {
    const [x, y] = [between(-1, 1, random), between(-1, 1, random)];
    const noise = () => between(-0.05, 0.05, random);
    return [x, y, x + y, x - y, 2 * x + y, x - 2 * y].map((value) => value + noise()).join(",");
  });
  return `${["a,b,c,d,e,f", ...rows].join("\n")}\n`;
}

function withoutColumns(csv: string, names: readonly string[]): string {
  const rows = csv
    .trimEnd()
    .split("\n")
    .map((line) => line.split(","));
  const kept = rows[0]!.map((name) => !names.includes(name));
  return `${rows.map((row) => row.filter((_, c) => kept[c]).join(",")).join("\n")}\n`;
}

/** Writes a planted log; returns its path. */
export function writePlanted(folder: string, log: PlantedLog, numRows: number): string {
  const path = join(folder, `${log}-${numRows}.csv`);
  writeFileSync(path, plantedText(log, numRows));
  return path;
}

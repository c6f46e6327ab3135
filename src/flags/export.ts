// The flags of export, and what they say.

import { Option, type Command } from "commander";
import {
  checkVariableName,
  dtypeChoices,
  onnxInputNames,
  onnxPartNames,
  reservations,
} from "../api/export/choices.js";
import type { ExportRunOptions } from "../api/export/options.js";
import type { Compose } from "../api/compose.js";
import { definedOf } from "../training/options/log.js";
import { composeOption } from "./compose-option.js";
import { numberOf, repeated } from "./options.js";

/** As commander gives them. */
export interface ExportFlags {
  format: string;
  field?: string;
  table?: string;
  withWeight?: boolean;
  strict?: boolean;
  compose?: Compose;
  mips?: boolean;
  topCount?: number;
  keys?: string;
  normalize?: "l2";
  wide?: boolean;
  dtype?: ExportRunOptions["dtype"];
  on?: string[];
  part?: ExportRunOptions["part"];
  delta?: string;
  reserve?: ExportRunOptions["reserve"];
  onnxInput?: ExportRunOptions["onnxInput"];
  onnxPart?: ExportRunOptions["onnxPart"];
  quiet?: boolean;
  out?: string;
  urlEnv?: string;
  into?: string;
  force?: boolean;
  json?: boolean;
}

/** Adds the flags. */
export function addExportFlags(command: Command): Command {
  return command
    .requiredOption("--format <format>", "one of those below")
    .option("--field <field>", "only this field's rows; user and item name the columns in these roles")
    .option("--table <name>", "of a run with several tables")
    .option("--with-weight", "the model's weight of each key too")
    .option("--strict", "an error where a key cannot be written as it is")
    .addOption(composeOption())
    .option("--mips", "a dimension more, with which a dot product of user and item ranks as the model does")
    .addOption(
      new Option("--top-count <n>", "of each field only the n keys of most events").argParser(
        numberOf("--top-count"),
      ),
    )
    .option(
      "--keys <file>",
      "only the keys of this file, one a line: field:key, or the key alone with --field",
    )
    .addOption(
      new Option("--normalize <norm>", "every vector's length becomes 1; zeros stay").choices(["l2"]),
    )
    .addOption(
      new Option(
        "--reserve <scheme>",
        "rows for padding and unknown keys: 0 and 1 (keras), 0 and the last (fuxictr), 1 and 0 (pytorch)",
      ).choices(reservations),
    )
    .option(
      "--delta <run>",
      "jsonl, npy: only the rows added, changed and removed since an earlier run, by their row numbers",
    )
    .addOption(
      new Option(
        "--onnx-input <what>",
        "onnx: keys (text; unknown ones find the out-of-vocabulary row), or rows (integers); default: key",
      ).choices(onnxInputNames),
    )
    .addOption(
      new Option(
        "--onnx-part <what>",
        "onnx: the network of a run of train-net, the user or item tower of train-two-tower, or the table alone; default: table with --field or --table, else network or user",
      ).choices(onnxPartNames),
    )
    .addOption(
      new Option(
        "--dtype <type>",
        "npy, npz, safetensors, arrow, parquet, faiss: elements of the vectors, i8 with a scale a row; says what it costs",
      ).choices(dtypeChoices),
    )
    .addOption(
      new Option(
        "--part <part>",
        "with --dtype: its cost as change of AUC, RMSE or Recall@20, too, on what the training held out",
      ).choices(["valid", "test"]),
    )
    .option("--on <log>", "the same on a log; repeat it for several files read as one", repeated)
    .option("--wide", "parquet: a column a dimension in place of lists")
    .option("-o, --out <path>", "file or directory to write; stdout by default, or -")
    .addOption(
      new Option(
        "--url-env <variable>",
        "redis, pgvector: in place of -o, the environment variable that holds the URL of a server to write to",
      ).argParser(checkVariableName),
    )
    .option(
      "--into <name>",
      "redis: what keys start with, PREFIX:KEY; pgvector with --url-env: table or schema.table (default: embeddings)",
    )
    .option("--force", "replace an existing output; write again what a server holds already")
    .option("--quiet", "print nothing but errors and results")
    .addOption(new Option("--json", "print one JSON object on stdout; needs -o or --url-env"));
}

/** The flags as options of the api. */
export function exportOf(flags: ExportFlags): ExportRunOptions {
  // every command has --config
  const { quiet: _, json: __, config: ___, ...told } = flags as ExportFlags & { config?: string };
  return {
    withWeight: false,
    strict: false,
    force: false,
    mips: false,
    ...definedOf(told),
    format: told.format,
  };
}

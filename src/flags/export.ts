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
    .requiredOption("--format <format>", "output format; the list below says what each is for")
    .option("--field <field>", "export only this field; user and item name the columns with these roles")
    .option("--table <name>", "which table to use, for a run that has several")
    .option("--with-weight", "also export the model's weight of each key")
    .option("--strict", "fail if a key cannot be written unchanged in this format")
    .addOption(composeOption())
    .option(
      "--mips",
      "add a dimension so that the dot product of user and item ranks as the model does, biases included",
    )
    .addOption(
      new Option("--top-count <n>", "export only the n most frequent keys of each field").argParser(
        numberOf("--top-count"),
      ),
    )
    .option(
      "--keys <file>",
      "export only the keys in this file, one per line: field:key, or the key alone with --field",
    )
    .addOption(
      new Option("--normalize <norm>", "scale every vector to length 1; zero vectors stay zero").choices([
        "l2",
      ]),
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
        "with --dtype: also measure its cost in AUC, RMSE or Recall@20 on this held-out split",
      ).choices(["valid", "test"]),
    )
    .option(
      "--on <log>",
      "with --dtype: also measure its cost on this log; repeatable, several files are read as one log",
      repeated,
    )
    .option("--wide", "parquet: one column for each dimension instead of a column of lists")
    .option("-o, --out <path>", "file or directory to write; by default stdout, also as -")
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
  const { quiet: _, json: __, config: ___, ...given } = flags as ExportFlags & { config?: string };
  return {
    withWeight: false,
    strict: false,
    force: false,
    mips: false,
    ...definedOf(given),
    format: given.format,
  };
}

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
import { definedOf } from "../training/options/defined.js";
import { composeOption } from "./compose-option.js";
import { numberOf, repeated } from "./parsers.js";

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
    .requiredOption("--format <format>", "output format; see the list of formats below")
    .option("--field <field>", "export only this field; user and item refer to the columns with these roles")
    .option("--table <name>", "table to use, for a run with several tables")
    .option("--with-weight", "also export the model's weight (bias) of each key")
    .option("--strict", "fail if a key cannot be written exactly in this format")
    .addOption(composeOption())
    .option(
      "--mips",
      "add a dimension that holds the bias, so that dot products of user and item rank as the model does",
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
        "reserve rows for padding and unknown keys: 0 and 1 (keras), 0 and the last (fuxictr), 1 and 0 " +
          "(pytorch)",
      ).choices(reservations),
    )
    .option(
      "--delta <run>",
      "jsonl, npy: write only rows added, changed or removed since an earlier run, by row number",
    )
    .addOption(
      new Option(
        "--onnx-input <what>",
        "onnx: model input: keys (strings; unknown keys map to the out-of-vocabulary row), or row numbers; " +
          "default: key",
      ).choices(onnxInputNames),
    )
    .addOption(
      new Option(
        "--onnx-part <what>",
        "onnx: part to export: the network, the user or item tower of a run that has one, or only " +
          "the table; default: table with --field or --table, else network or user",
      ).choices(onnxPartNames),
    )
    .addOption(
      new Option(
        "--dtype <type>",
        "npy, npz, safetensors, arrow, parquet, faiss: element type of the vectors, i8 with one scale per " +
          "row; the loss of precision is reported",
      ).choices(dtypeChoices),
    )
    .addOption(
      new Option(
        "--part <part>",
        "with --dtype: also measure the change in AUC, RMSE or Recall@20 on this held-out split",
      ).choices(["valid", "test"]),
    )
    .option(
      "--on <log>",
      "with --dtype: also measure the change on this log; repeatable, several files are read as one log",
      repeated,
    )
    .option("--wide", "parquet: one column for each dimension instead of a column of lists")
    .option("-o, --out <path>", "file or directory to write; - or no file is stdout")
    .addOption(
      new Option(
        "--url-env <variable>",
        "redis, pgvector: write to a server instead of -o; the name of the environment variable that holds " +
          "its URL",
      ).argParser(checkVariableName),
    )
    .option(
      "--into <name>",
      "redis: prefix of the keys, PREFIX:KEY; pgvector with --url-env: table or schema.table (default: " +
        "embeddings)",
    )
    .option("--force", "replace an existing output; rewrite rows that a server already holds")
    .option("--quiet", "print only errors and results")
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

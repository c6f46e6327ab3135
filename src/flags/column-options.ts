// Options that say which column is what, and which rows are kept.

import { Option, type Command } from "commander";
import type { ColumnOptions } from "../dataset/roles.js";
import { UsageError } from "../errors.js";
import { listOf, repeated } from "./options.js";

/** What the flags say, under the names of the api; `side` is one table of its `sides`. */
export type ColumnFlags = Partial<Omit<ColumnOptions, "infer" | "unlabelled">> & {
  timeFields?: string[];
  timeZone?: string;
  side?: string[];
  drop?: string[];
  where?: string[];
};

/** Adds the options that say which column is what. */
export function addColumnOptions(command: Command): Command {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Columns:");
  return command
    .addOption(group("--user <column>", "who acted"))
    .addOption(group("--item <column>", "what was acted on"))
    .addOption(group("--label <column>", "what is predicted: 0 and 1, or any number"))
    .addOption(
      group("--time <column>", "when: unix seconds or milliseconds, or ISO 8601 (UTC without a zone)"),
    )
    .addOption(
      group("--time-format <pattern>", "another form of it, such as '%d/%m/%Y %H:%M' (UTC without %z)"),
    )
    .addOption(
      group("--time-fields <fields>", "features made of the time: hour, dow, day, month").argParser(listOf),
    )
    .addOption(group("--time-zone <offset>", "of these, such as +02:00").default(undefined, "UTC"))
    .addOption(group("--weight <column>", "what each row counts in training and metrics, from 0 on"))
    .addOption(group("--session <column>", "events that belong together"))
    .addOption(group("--fields <columns>", "the categorical features, all of them").argParser(listOf))
    .addOption(
      group(
        "--numeric <columns>",
        "features that are numbers, standardised; price:log1p or price:bins=20 say otherwise",
      ).argParser(listOf),
    )
    .addOption(
      group("--multi <column:separator>", "cells that hold several values, such as 'genres:|'").argParser(
        multiOf,
      ),
    )
    .addOption(
      group(
        "--multi-weights <columns>",
        "of these, those whose values carry a number, such as 'tea:0.5|milk:2'",
      ).argParser(listOf),
    )
    .addOption(group("--ignore <columns>", "columns to leave out").argParser(listOf))
    .addOption(
      group(
        "--side <file:key>",
        "join a side table on a column; file:key=sidekey where it has another name",
      ).argParser(repeated),
    )
    .addOption(
      group("--drop <filter>", "leave rows out, such as 'InvoiceNo^=C' (= != ^= $= *=)").argParser(repeated),
    )
    .addOption(
      group(
        "--where <expression>",
        "keep the rows of which it holds, such as 'Quantity > 0 and Country != \"France\"'",
      ).argParser(repeated),
    );
}

/** The flags as options of the api. */
export function columnsOf(flags: ColumnFlags) {
  const { user, item, label, time, weight, session, fields, timeFields, timeZone } = flags;
  return {
    ...(user !== undefined && { user }),
    ...(item !== undefined && { item }),
    ...(label !== undefined && { label }),
    ...(time !== undefined && { time }),
    ...(flags.timeFormat !== undefined && { timeFormat: flags.timeFormat }),
    ...(weight !== undefined && { weight }),
    ...(session !== undefined && { session }),
    ...(fields && { fields }),
    ...(timeFields && { timeFields }),
    ...(timeZone !== undefined && { timeZone }),
    numeric: flags.numeric ?? [],
    multi: flags.multi ?? {},
    ...(flags.multiWeights && { multiWeights: flags.multiWeights }),
    ignore: flags.ignore ?? [],
    sides: flags.side ?? [],
    drop: flags.drop ?? [],
    where: flags.where ?? [],
  };
}

/** `genres:|` as one entry of a record; the separator is what follows the last colon but one character at least. */
function multiOf(text: string, previous: Record<string, string> | undefined): Record<string, string> {
  const colon = text.indexOf(":", 1);
  const separator = text.slice(colon + 1);
  if (colon < 1 || separator === "") {
    throw new UsageError(`--multi expects COLUMN:SEPARATOR, such as 'genres:|', got '${text}'`);
  }
  return { ...previous, [text.slice(0, colon)]: separator };
}

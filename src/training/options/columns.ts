// Options that say which column is what, which rows are kept, and whose ids are hashed.

import { UsageError } from "../../errors.js";
import { custom, list, text, texts, type Told } from "./table.js";

const group = "Columns:";
const column = (help: string) => text("column", { help, group });

/** Which column is what. */
export const columns = {
  user: column("who acted"),
  item: column("what was acted on"),
  label: column("what is predicted: 0 and 1, or any number"),
  time: column("when: unix seconds or milliseconds, or ISO 8601 (UTC without a zone)"),
  timeFormat: text("pattern", {
    help: "another form of it, such as '%d/%m/%Y %H:%M' (UTC without %z)",
    group,
  }),
  timeFields: list("fields", { help: "features made of the time: hour, dow, day, month", group }),
  timeZone: text("offset", { help: "of these, such as +02:00", group, shown: "UTC" }),
  weight: column("what each row counts in training and metrics, from 0 on"),
  session: column("events that belong together"),
  fields: list("columns", { help: "the categorical features, all of them", group }),
  numeric: list("columns", {
    help: "features that are numbers, standardised; price:log1p or price:bins=20 say otherwise",
    group,
    default: [],
    shown: "",
  }),
  multi: custom(
    "column:separator",
    { parse: multiOf, repeats: true },
    { help: "cells that hold several values, such as 'genres:|'", group, default: {}, shown: "" },
  ),
  multiWeights: list("columns", {
    help: "of these, those whose values carry a number, such as 'tea:0.5|milk:2'",
    group,
  }),
  ignore: list("columns", { help: "columns to leave out", group, default: [], shown: "" }),
  side: texts("file:key", {
    help: "join a side table on a column; file:key=sidekey where it has another name",
    group,
    default: [],
    shown: "",
  }),
  drop: texts("filter", {
    help: "leave rows out, such as 'InvoiceNo^=C' (= != ^= $= *=)",
    group,
    default: [],
    shown: "",
  }),
  where: texts("expression", {
    help: "keep the rows of which it holds, such as 'Quantity > 0 and Country != \"France\"'",
    group,
    default: [],
    shown: "",
  }),
} as const;

/** Raw ids kept out of everything written and printed. */
export const hashedIds = {
  hashKeys: text("file", { help: "replace ids by their HMAC-SHA256 under the secret in this file", group }),
  hashKeysOf: list("columns", {
    help: "whose ids; by default the user's, the item's and the session's",
    group,
    only: { hashKeys: true },
  }),
} as const;

/** `genres:|` as one entry of a record; the separator is what follows the last colon but one character at least. */
function multiOf(
  given: string,
  _: string,
  previous: Record<string, string> | undefined,
): Record<string, string> {
  const colon = given.indexOf(":", 1);
  const separator = given.slice(colon + 1);
  if (colon < 1 || separator === "")
    throw new UsageError(`--multi expects COLUMN:SEPARATOR, such as 'genres:|', got '${given}'`);
  return { ...previous, [given.slice(0, colon)]: separator };
}

/** The same as a reading takes them. */
export function columnsOf({
  side,
  numeric = [],
  multi = {},
  ignore = [],
  drop = [],
  where = [],
  ...others
}: Told<typeof columns>) {
  return { ...others, numeric, multi, ignore, sides: side ?? [], drop, where };
}

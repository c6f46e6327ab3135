// Options that say which column is what, which rows are kept, and whose ids are hashed.

import { UsageError } from "../../errors.js";
import { custom, list, recordComplaint, text, texts, type Told } from "./table.js";

const group = "Columns:";
const column = (help: string) => text("column", { help, group });

/** Which column is what. */
export const columns = {
  user: column("who acted"),
  item: column("what was acted on"),
  label: column("what is predicted: 0 and 1, or any number"),
  time: column("when: unix seconds or milliseconds, or ISO 8601 (UTC without a zone)"),
  timeFormat: text("pattern", {
    help: "format of the time column, such as '%d/%m/%Y %H:%M' (UTC without %z); several with | between them, iso among them",
    group,
  }),
  timeFields: list("fields", { help: "features derived from the time: hour, dow, day, month", group }),
  timeZone: text("offset", { help: "time zone of --time-fields, such as +02:00", group, shown: "UTC" }),
  weight: column("what each row counts in training and metrics, from 0 on"),
  session: column("events that belong together"),
  fields: list("columns", { help: "the full list of categorical features", group }),
  numeric: list("columns", {
    help: "numeric features, standardised; price:log1p and price:bins=20 transform them",
    group,
    default: [],
    shown: "",
  }),
  multi: custom(
    "column:separator",
    {
      parse: multiOf,
      repeats: true,
      complaint: recordComplaint(
        (separator: string) => typeof separator === "string",
        "a separator by column",
      ),
    },
    {
      help: "columns that hold several values a cell, with their separator, such as 'genres:|'",
      group,
      default: {},
      shown: "",
    },
  ),
  multiWeights: list("columns", {
    help: "columns of --multi whose values carry a weight, such as 'tea:0.5|milk:2'",
    group,
  }),
  ignore: list("columns", { help: "columns to leave out", group, default: [], shown: "" }),
  side: texts("file:key", {
    help: "join a side table on a column; file:key=sidekey where the key has another name there",
    group,
    default: [],
    shown: "",
  }),
  drop: texts("filter", {
    help: "drop rows that match, such as 'InvoiceNo^=C' (= != ^= $= *=)",
    group,
    default: [],
    shown: "",
  }),
  where: texts("expression", {
    help: "keep only rows that match, such as 'Quantity > 0 and Country != \"France\"'",
    group,
    default: [],
    shown: "",
  }),
} as const;

/** Raw ids kept out of everything written and printed. */
export const hashedIds = {
  hashKeys: text("file", {
    help: "replace ids by their HMAC-SHA256, keyed with the secret in this file",
    group,
  }),
  hashKeysOf: list("columns", {
    help: "columns whose ids are hashed; by default user, item and session",
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

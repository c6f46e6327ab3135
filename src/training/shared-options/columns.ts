import { UsageError } from "../../base/errors.js";
import { custom, list, recordComplaint, text, texts, whole, type Given } from "../../options/table.js";

const group = "Columns:";
const column = (help: string) => text("column", { help, group });
const inferred = (help: string) => text("column", { help, group, shown: "inferred" });

/** Options for roles and transformations of columns. */
export const columns = {
  user: inferred("user column: who acted"),
  item: inferred("item column: what the user acted on"),
  label: inferred("label column to predict: 0 and 1, or any number"),
  time: inferred(
    "time column of the event: Unix seconds or milliseconds, or ISO 8601 (UTC if no zone is given)",
  ),
  timeFormat: text("pattern", {
    help:
      "format of the time column, such as '%d/%m/%Y %H:%M' (UTC without %z); separate several formats, " +
      "or iso, with |",
    group,
  }),
  timeFields: list("fields", {
    help: "features to derive from the time column: hour, dow (day of week), day, month",
    group,
  }),
  timeZone: text("offset", {
    help: "time zone for --time-fields, such as +02:00",
    group,
    shown: "UTC",
  }),
  weight: column(
    "weight column: weight of each row in training and metrics, at least 0; rows of weight 0 are dropped",
  ),
  session: column("session column: events with the same value belong together"),
  fields: list("columns", {
    help: "full list of categorical features; by default every column without another role",
    group,
  }),
  numeric: list("columns", {
    help: "numeric columns, standardized; price:log1p and price:bins=20 transform a column",
    group,
    default: [],
    shown: "",
  }),
  multi: custom(
    "column:separator",
    {
      type: "string | readonly string[] | Readonly<Record<string, string>>",
      parse: multiOf,
      repeats: true,
      complaint: recordComplaint(
        (separator: string) => typeof separator === "string",
        "a separator by column",
      ),
    },
    {
      help: "multi-valued column and its separator, such as 'genres:|'; repeatable",
      group,
      default: {},
      shown: "",
    },
  ),
  multiWeights: list("columns", {
    help: "multi-valued columns with weights, as in 'tea:0.5|milk:2'",
    group,
  }),
  ignore: list("columns", { help: "columns to exclude from the features", group, default: [], shown: "" }),
  side: texts("file:key", {
    help:
      "side table to join on column KEY; FILE:KEY=SIDEKEY if the column has another name in the side " +
      "table; repeatable",
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
  dropUsersAbove: whole({
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    help: "leave out users with more than n events, such as bots, with all their events",
    group,
  }),
  dropUsersAbovePerDay: whole({
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    help: "leave out users with more than n events on any one day (UTC), with all their events",
    group,
  }),
} as const;

/** Options that replace raw ids in all files and messages. */
export const hashedIds = {
  hashKeys: text("file", {
    help: "replace user and item ids with their HMAC-SHA256, keyed with the secret in this file",
    group,
  }),
  hashKeysOf: list("columns", {
    help: "columns to apply --hash-keys to; by default user, item and session",
    group,
    only: { hashKeys: true },
  }),
} as const;

/** Parses a text such as `genres:|` into a record; the separator follows the first colon but one in first place. */
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

/** Converts the user's options to options for reading a log. */
export function columnReadingOptions({
  side,
  numeric = [],
  multi = {},
  ignore = [],
  drop = [],
  where = [],
  ...others
}: Given<typeof columns>) {
  return { ...others, numeric, multi, ignore, sides: side ?? [], drop, where };
}

// Roles and types from a log's header and first rows: a guess that is printed, and that any flag overrides.

import { parseTime } from "./time.js";

export type ColumnType = "key" | "integer" | "number" | "time" | "empty";

export type InferredRole = "user" | "item" | "label" | "time" | "weight" | "session";

export interface Inference {
  roles: Partial<Record<InferredRole, string>>;
  /** one a column */
  types: ColumnType[];
  /** columns without a role whose sample holds decimals */
  numeric: string[];
  /** by column: what the guess rests on */
  why: Record<string, string>;
}

/** Names in the order in which they are preferred, spelt without case, spaces and punctuation. */
const names: Record<InferredRole, string[]> = {
  user: [
    "userid",
    "user",
    "uid",
    "customerid",
    "customer",
    "visitorid",
    "visitor",
    "memberid",
    "member",
    "accountid",
  ],
  item: [
    ...[
      "itemid",
      "item",
      "movieid",
      "movie",
      "productid",
      "product",
      "stockcode",
      "sku",
      "articleid",
      "article",
    ],
    ...[
      "asin",
      "bookid",
      "songid",
      "trackid",
      "videoid",
      "newsid",
      "poiid",
      "locationid",
      "adid",
      "creativeid",
    ],
  ],
  label: [
    "label",
    "click",
    "clicked",
    "isclick",
    "rating",
    "target",
    "y",
    "conversion",
    "converted",
    "income",
  ],
  time: [
    "timestamp",
    "time",
    "ts",
    "eventtime",
    "datetime",
    "invoicedate",
    "date",
    "createdat",
    "eventtimestamp",
  ],
  weight: ["weight", "sampleweight", "eventweight"],
  session: ["sessionid", "session", "invoiceno", "invoice", "orderid", "basketid", "visitid"],
};

/**
 * Guesses roles by name, where the first rows do not speak against it: a label and a weight must be numbers, a time must
 * parse.
 *
 * @param sample the first rows, as long as columns
 */
export function inferRoles(columns: readonly string[], sample: readonly (readonly string[])[]): Inference {
  const cells = (c: number): string[] => sample.map((row) => row[c] ?? "").filter((cell) => cell !== "");
  const types = columns.map((_, c) => typeOf(cells(c)));
  const why: [string, string][] = [];
  const roles: Inference["roles"] = {};
  const taken = new Set<string>();
  for (const [role, known] of Object.entries(names) as [InferredRole, string[]][]) {
    const plain = columns.map(plainName);
    const name = known
      .map((candidate) => columns[plain.indexOf(candidate)])
      .find(
        (column) => column !== undefined && !taken.has(column) && fits(role, cells(columns.indexOf(column))),
      );
    if (name === undefined) continue;
    roles[role] = name;
    taken.add(name);
    why.push([name, "by its name"]);
  }
  const numeric = columns.filter((name, c) => !taken.has(name) && types[c] === "number");
  for (const name of numeric) why.push([name, "its first rows hold decimals"]);
  // fromEntries keeps a column called __proto__ a column
  return { roles, types, numeric, why: Object.fromEntries(why) };
}

function plainName(column: string): string {
  return column.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");
}

function fits(role: InferredRole, cells: string[]): boolean {
  // where most first rows fit, a cell that does not is an error to report rather than a reason to look elsewhere
  const most = (test: (cell: string) => boolean) =>
    cells.length === 0 || cells.filter(test).length > cells.length / 2;
  if (role === "label" || role === "weight") return most(isNumber);
  return role === "time" ? most((cell) => !Number.isNaN(parseTime(cell))) : true;
}

function typeOf(cells: string[]): ColumnType {
  if (cells.length === 0) return "empty";
  if (cells.every((cell) => /^[-+]?\d+$/.test(cell))) return "integer";
  if (cells.every(isNumber)) return "number";
  return cells.every((cell) => !Number.isNaN(parseTime(cell))) ? "time" : "key";
}

function isNumber(cell: string): boolean {
  return /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(cell);
}

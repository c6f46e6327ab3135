// Infers the roles of columns (user, item, label, ...) from their names and first rows. The result is reported to the
// user.
//
// Names are compared without case, spaces, underscores, dashes and dots, so user_id, UserID and "User Id" are one. The
// list of each role contains better names first; if several columns have an equally good name, the leftmost gets the
// role.

import { parseNumber, truthOf } from "./number.js";
import { timeParser } from "./time.js";

/** The type that the first rows of a column have. A column of times is recognized by its name or by ISO dates. */
export type ColumnType = "key" | "integer" | "number" | "boolean" | "time" | "empty";

export type RoleName = "user" | "item" | "label" | "time" | "weight" | "session";

export interface InferredRoles {
  roles: { [Role in RoleName]?: string };
  types: Record<string, ColumnType>;
  /** columns without a role whose first rows contain decimals */
  numeric: string[];
  /** columns that may contain the event's time, if there are several and none has the name of a time */
  times: string[];
  /** for roles and numeric columns: a sentence with the reason of the decision, by column */
  why: Record<string, string>;
}

/** Names of columns by role, normalized for comparison; better names come first. */
export const roleNames: Readonly<Record<RoleName, readonly string[]>> = {
  user: words(
    "userid user uid userkey username customerid customer customerno visitorid visitor memberid member clientid client " +
      "accountid account buyerid buyer reviewerid reviewer shopperid profileid personid deviceid cookieid guid",
  ),
  item: words(
    "itemid item productid product movieid movie stockcode sku skuid articleid article asin bookid book isbn songid song " +
      "trackid track videoid video gameid game newsid news postid post poiid venueid locationid listingid hotelid " +
      "businessid restaurantid recipeid courseid merchandiseid goodsid contentid documentid docid pageid adid ad creativeid",
  ),
  label: words(
    "label click clicked isclick isclicked rating ratings target y score stars overall conversion converted isconversion " +
      "purchase purchased bought like liked response outcome income",
  ),
  time: words(
    "timestamp time ts datetime date eventtime eventtimestamp eventdate invoicedate orderdate orderts ordertime " +
      "createdat created unixtime unixreviewtime reviewtime clicktime visittime day",
  ),
  weight: words("weight sampleweight eventweight rowweight importance"),
  session: words(
    "sessionid session sessid invoiceno invoiceid invoice orderid order orderno basketid basket cartid visitid transactionid playlistid",
  ),
};

function words(text: string): string[] {
  return text.split(" ");
}

/** Normalizes a name for comparison: `User_ID` becomes userid. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[\s_\-.]/g, "");
}

/** Whether two names of columns are those of a user and an item, in any order. */
export function areNamedUserAndItem(one: string, other: string): boolean {
  const isNamed = (role: RoleName, name: string) => roleNames[role].includes(plain(name));
  return (isNamed("user", one) && isNamed("item", other)) || (isNamed("item", one) && isNamed("user", other));
}

export function isNamedTime(name: string): boolean {
  return roleNames.time.includes(plain(name)) || isTimeName(name);
}

/**
 * Infers roles and types. Pure: the same columns and sample give the same result.
 *
 * @param columns names, distinct
 * @param sample  first rows, each with one cell per column
 * @param timeFormat format of times, as in --time-format
 * @param numOwn number of columns of the log itself, which come first; columns of side tables get no role
 * @throws {UsageError} timeFormat is invalid
 */
export function inferRoles(
  columns: readonly string[],
  sample: readonly (readonly string[])[],
  timeFormat?: string,
  numOwn = columns.length,
): InferredRoles {
  const cells = columns.map((_, c) => sample.map((row) => row[c]!.trim()).filter((cell) => cell !== ""));
  const types = columns.map((name, c) => typeOf(name, cells[c]!, timeFormat));
  const why = new Map<string, string>();

  const own = columns.slice(0, numOwn);
  const roles: InferredRoles["roles"] = {};
  for (const role of ["user", "item", "label", "time", "weight", "session"] as const) {
    const [found] = own
      .map((name, c) => ({ name, c, rank: roleNames[role].indexOf(plain(name)) }))
      .filter(({ name, c, rank }) => rank !== -1 && !why.has(name) && isPlausible(role, types[c]!, cells[c]!))
      .sort((a, b) => a.rank - b.rank);
    if (!found) continue;
    roles[role] = found.name;
    const evidence = types[found.c] === "boolean" ? ", its first rows are true or false" : EVIDENCE[role];
    why.set(found.name, `${role}: by its name${evidence}`);
  }
  // a column whose name is not well known is the time only if there is no other candidate
  const times = own.filter((name, c) => types[c] === "time" && !why.has(name) && mayBeEventTime(name));
  if (roles.time === undefined && times.length === 1) {
    roles.time = times[0]!;
    why.set(roles.time, "time: the only column of its kind whose first rows are times");
  }

  const numeric = columns.filter((name, c) => types[c] === "number" && !why.has(name));
  for (const name of numeric) why.set(name, "numeric: its first rows hold decimals");
  return {
    roles,
    // Object.fromEntries is used because a column may be called __proto__
    types: Object.fromEntries(columns.map((name, c) => [name, types[c]!])),
    numeric,
    times: roles.time === undefined ? times : [],
    why: Object.fromEntries(why),
  };
}

const EVIDENCE: Record<RoleName, string> = {
  user: "",
  item: "",
  label: ", its first rows are numbers",
  time: ", its first rows are times",
  weight: ", its first rows are numbers of at least 0",
  session: "",
};

function isPlausible(role: RoleName, type: ColumnType, present: readonly string[]): boolean {
  const isNumber = type === "integer" || type === "number";
  if (role === "label") return isNumber || type === "boolean";
  if (role === "weight") return isNumber && present.every((cell) => Number(cell) >= 0);
  if (role === "time") return type === "time";
  return type !== "empty";
}

function typeOf(name: string, present: readonly string[], timeFormat: string | undefined): ColumnType {
  if (present.length === 0) return "empty";
  const numbers = present.map((cell) => parseNumber(cell));
  const areNumbers = numbers.every((value) => value !== undefined);
  const parse = timeParser(timeFormat);
  const areTimes = present.every((cell) => !Number.isNaN(parse(cell)));
  // numbers are times only if the column has the name of a time and they are at least 1e8 (Unix time in 1973): a column
  // `day` may contain 1 to 31, and a column `time` the seconds since the start of a session
  const areNamed = isNamedTime(name);
  const isLate = timeFormat !== undefined || (areNumbers && numbers.every((value) => Math.abs(value) >= 1e8));
  if (areTimes && (!areNumbers || (areNamed && isLate))) return "time";
  if (!areNumbers) return present.every((cell) => truthOf(cell) !== undefined) ? "boolean" : "key";
  return numbers.every((value) => Number.isInteger(value)) ? "integer" : "number";
}

/** Last words of the names of times, as in purchased_at, orderTime, created.date. */
const LAST_WORDS = new Set(["at", "on", "time", "timestamp", "date", "datetime", "ts"]);

/** Words in the names of times that describe the user or the item instead of the event. */
const OTHER_TIMES =
  /birth|born|\bdob\b|releas|publish|expir|\bdue\b|until|\bvalid\b|signup|sign.?up|regist|join|member|since|updat|modif|delet|\bend/;

/** Returns the words of a name in lower case: purchasedAt, purchased_at and "Purchased at" have two words. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[\s_\-.]+/);
}

/** Whether a name's last word denotes a time; names of one word are compared with the known names. */
function isTimeName(name: string): boolean {
  const words = wordsOf(name);
  return words.length > 1 && LAST_WORDS.has(words.at(-1)!);
}

/** Whether a column of that name can be the time of the event; a date of birth or of release cannot. */
function mayBeEventTime(name: string): boolean {
  return !OTHER_TIMES.test(wordsOf(name).join(" "));
}

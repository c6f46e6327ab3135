// Finds the markets of items. Additional negatives of an item are sampled from its market, so that vectors separate
// items that a user chooses between (Grbovic and Cheng, KDD 2018, eq. 5).

import { MISSING, keyAt } from "../../log/keys.js";
import { columnOfOption, type Column } from "../../dataset/dataset.js";
import { cellCodes } from "../../dataset/item-fields.js";
import { UsageError } from "../../errors.js";
import { NO_MARKET, type SgnsPairs } from "../../kernels/sgns/binding.js";
import type { Part } from "../../training/examples/examples.js";

const FLAG = "--negatives-within";
/** Maximum share of items with several values of the column. */
const MOST_CHANGED = 0.05;

type Markets = NonNullable<SgnsPairs["markets"]>;

/**
 * Returns the markets of the items in training sessions: the most frequent value of a column.
 *
 * @param name    name of the column
 * @param tokens u32[part.rows]: items as features, or MISSING
 * @param counts f64[numFeatures]: total weight of the events in training sessions
 * @throws {UsageError} the column is multi-valued, too many items have several values, or no market has two items
 */
export function marketsOf(
  { dataset, rows }: Part,
  name: string,
  { tokens, counts, drawn }: { tokens: Uint32Array; counts: Float64Array; drawn: number },
  warn: (text: string) => void,
): Markets {
  const column = columnOfOption(dataset, FLAG, name);
  if (column.kind === "multi")
    throw new UsageError(`${FLAG} '${name}': the column is multi-valued, but an item must have one market`);
  const codes = cellCodes(column);
  // marks the items that occur in training sessions, because only these items get a market
  const known = new Uint8Array(counts.length);
  for (const token of tokens) if (token !== MISSING && counts[token]! > 0) known[token] = 1;
  const items = known.reduce((sum, is) => sum + is, 0);
  const { of, changed, example } = frequentValues(tokens, rows, codes, known);
  if (changed > MOST_CHANGED * items) {
    const item = columnOfOption(dataset, "--item", dataset.roles.item!);
    const [row, other] = example!;
    throw new UsageError(
      `${FLAG} '${name}': ${changed} of ${items} items have several values, such as ${cellText(item, row)} ` +
        `with ${cellText(column, other)} and ${cellText(column, row)}; name a column that describes the item`,
    );
  }
  const [missing, byValue] = [
    of.reduce((sum, m, i) => sum + (known[i] === 1 && m === NO_MARKET ? 1 : 0), 0),
    grouped(of),
  ];
  const alone = byValue.filter((group) => group.length === 1).length;
  if (alone + missing === items)
    throw new UsageError(
      `${FLAG} '${name}': no two items share a value` +
        (missing > 0 ? `, and ${missing} of ${items} have no value` : ""),
    );
  if (changed > 0)
    warn(
      `${FLAG}: ${changed} of ${items} items have several values of '${name}': the most frequent one is used`,
    );
  if (missing > 0)
    warn(`${FLAG}: ${missing} of ${items} items have no '${name}' and get no market negatives`);
  if (alone > 0)
    warn(`${FLAG}: ${alone} of ${items} items are alone in their '${name}' and get no market negatives`);
  if (byValue.length === 1 && missing === 0)
    warn(`${FLAG}: all items have the same '${name}', so market negatives are sampled from all items`);
  const ends = [0];
  byValue.forEach((group, m) => {
    for (const feature of group) of[feature] = m;
    ends.push(ends[m]! + group.length);
  });
  return { of, ends: Uint32Array.from(ends), rows: Uint32Array.from(byValue.flat()), drawn };
}

/**
 * Returns the most frequent value of each item; of equally frequent values, the earliest.
 *
 * @returns of: u32[numFeatures], codes, NO_MARKET if missing; changed: number of items with several values; example:
 *   two rows of such an item with different values
 */
function frequentValues(
  tokens: Uint32Array,
  rows: Uint32Array,
  codes: Uint32Array,
  known: Uint8Array,
): { of: Uint32Array; changed: number; example: [row: number, other: number] | undefined } {
  const of = new Uint32Array(known.length).fill(NO_MARKET);
  const firstRow = new Uint32Array(known.length);
  const events = new Map<number, Map<number, number>>();
  let example: [number, number] | undefined;
  tokens.forEach((token, i) => {
    if (token === MISSING || known[token] === 0) return;
    const [row, code] = [rows[i]!, codes[rows[i]!]!];
    if (code === MISSING) return;
    if (of[token] === NO_MARKET) {
      of[token] = code;
      firstRow[token] = row;
    } else if (of[token] !== code && !events.has(token)) {
      example ??= [row, firstRow[token]!];
      events.set(token, new Map());
    }
  });
  if (events.size === 0) return { of, changed: 0, example };
  tokens.forEach((token, i) => {
    const code = codes[rows[i]!]!;
    const own = code === MISSING ? undefined : events.get(token);
    own?.set(code, (own.get(code) ?? 0) + 1);
  });
  for (const [token, own] of events) {
    const most = Math.max(...own.values());
    of[token] = [...own].find(([, count]) => count === most)![0];
  }
  return { of, changed: events.size, example };
}

/** Groups items by market, in the order in which the markets first appear; the items of a group are ascending. */
function grouped(of: Uint32Array): number[][] {
  const groups = new Map<number, number[]>();
  of.forEach((value, feature) => {
    if (value === NO_MARKET) return;
    const group = groups.get(value);
    if (group) group.push(feature);
    else groups.set(value, [feature]);
  });
  return [...groups.values()];
}

function cellText(column: Column, row: number): string {
  if (column.kind === "number") return String(column.values[row]);
  return `'${keyAt(column.dictionary, column.codes[row]!)}'`;
}

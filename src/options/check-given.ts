import { UsageError } from "../base/errors.js";
import { flagNamed, resolved, type Option, type OptionTable } from "./table.js";

/**
 * Checks the range of each option that the user set, and whether it is allowed together with the other options.
 *
 * @throws {UsageError} names the flag, the expected value and the other option
 */
export function checkGiven(table: OptionTable, given: Readonly<Record<string, unknown>>): void {
  checkRanges(table, given);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || !Object.hasOwn(table, name)) continue;
    const { only = {}, onlyAny, not = {}, refused: why } = table[name] as Option;
    if (why !== undefined) throw new UsageError(`${flagNamed(name)} ${why}`);
    if (value !== false)
      for (const [other, values] of Object.entries(not)) checkApart(table, name, other, values, given[other]);
    const own = value === false ? flagNamed(name, { negated: true }) : flagNamed(name);
    for (const [other, values] of Object.entries(only))
      if (!isMet(table, given, other, values))
        throw new UsageError(mismatch(table, own, other, values, currentOf(table, given, other, values)));
    if (onlyAny && !Object.entries(onlyAny).some(([other, values]) => isMet(table, given, other, values)))
      throw new UsageError(
        `${own} needs ${Object.entries(onlyAny)
          .map(([other, values]) => partner(table, other, values))
          .join(" or ")}`,
      );
  }
}

/**
 * Checks that the user's options apply to the mode of the command.
 *
 * @param modes names of the modes in messages
 * @throws {UsageError} an option applies to other modes: `--curve is for scored rows, not for a ranking`
 */
export function checkMode<M extends string>(
  table: OptionTable,
  given: Readonly<Record<string, unknown>>,
  mode: M,
  modes: Readonly<Record<M, string>>,
): void {
  for (const [name, value] of Object.entries(given)) {
    const { for: own } = (Object.hasOwn(table, name) ? table[name] : {}) as Option;
    if (value === undefined || own === undefined || own.includes(mode)) continue;
    const named = own.map((one) => modes[one as M]).join(" or ");
    throw new UsageError(`${flagNamed(name)} is for ${named}, not for ${modes[mode]}`);
  }
}

function currentOf(
  table: OptionTable,
  given: Readonly<Record<string, unknown>>,
  other: string,
  values: readonly string[] | true,
): unknown {
  return given[other] ?? (values === true ? undefined : defaultOf(table, given, other));
}

/** Whether an option has one of the given values; for a list, whether one of its elements has. */
function isMet(
  table: OptionTable,
  given: Readonly<Record<string, unknown>>,
  other: string,
  values: readonly string[] | true,
): boolean {
  const current = currentOf(table, given, other, values);
  return values === true
    ? current !== undefined && current !== false
    : [current].flat().some((one) => values.includes(valueText(one)));
}

/** Checks the value of each option by itself. @throws {UsageError} names the flag and the expected value */
export function checkRanges(table: OptionTable, values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || !Object.hasOwn(table, name)) continue;
    const option = table[name] as Option;
    const complaint = option.complaint ? option.complaint(value) : complaintByType(option, value);
    if (complaint !== undefined)
      throw new UsageError(`${flagNamed(name)} expects ${complaint}, got '${valueText(value)}'`);
  }
}

/** An option without a check of its own has texts and numbers as values. */
function complaintByType({ type, refused: why }: Option, value: unknown): string | undefined {
  return why !== undefined || typeof value === "string" || typeof value === "number" ? undefined : type;
}

function checkApart(
  table: OptionTable,
  name: string,
  other: string,
  values: readonly string[] | true,
  current: unknown,
): void {
  if (current === undefined || current === false) return;
  const found = values === true ? [] : [current].flat().filter((one) => values.includes(valueText(one)));
  if (values !== true && found.length === 0) return;
  const shownValue = values === true ? (table[other]?.placeholder ?? "").toUpperCase() : valueText(found);
  const { why } = table[name] as Option;
  throw new UsageError(
    `${flagNamed(name)} cannot be combined with ${flagNamed(other)} ${shownValue}`.trimEnd() +
      (why === undefined ? "" : `: ${why}`),
  );
}

function mismatch(
  table: OptionTable,
  own: string,
  other: string,
  values: readonly string[] | true,
  current: unknown,
): string {
  return current === undefined || values === true
    ? `${own} needs ${partner(table, other, values)}`
    : `${own} needs ${flagNamed(other)} ${values.join(", ")}, got ${valueText(current)}`;
}

function partner(table: OptionTable, other: string, values: readonly string[] | true): string {
  const wanted = values === true ? (table[other]?.placeholder ?? "").toUpperCase() : values.join(" or ");
  return `${flagNamed(other)} ${wanted}`.trim();
}

/** Returns the default of an option, given the options that the user set; undefined if it depends on the data. */
function defaultOf(table: OptionTable, given: Readonly<Record<string, unknown>>, name: string): unknown {
  const standard = table[name]?.default as unknown;
  if (typeof standard !== "function") return standard;
  return standard.length > 1 ? undefined : (resolved(table, given) as Record<string, unknown>)[name];
}

/** Returns an option's value for messages. */
export function valueText(value: unknown): string {
  return Array.isArray(value)
    ? value.map(valueText).join(",")
    : typeof value === "object"
      ? JSON.stringify(value)
      : String(value as string | number | boolean);
}

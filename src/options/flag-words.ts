// Formats option values as a user would type them: the inverse of the flags' parsers.
//
//   given ──► flagWords ──► ["--fields", "user_id,item_id", "--no-header"] ──► commandLine ──► shell line

import { flagNamed, type Option, type OptionTable } from "./table.js";

/** Returns the texts that an option's parser converts to the value; an empty list for a switch. */
export function textsOf(option: Option, value: unknown): readonly string[] {
  const { commas, placeholder } = option;
  if (placeholder === undefined || value === true) return [];
  if (typeof value === "string" || typeof value === "number") return [String(value)];
  if (option.texts) return option.texts(value);
  if (Array.isArray(value)) return commas ? [value.join(",")] : value.map(String);
  if (typeof value !== "object" || value === null) return [String(value)];
  return Object.entries(value).map(([name, of]) => `${name}:${String(of)}`);
}

/** Returns the words of a command line that set the options, without empty lists and options not in the table. */
export function flagWords(table: OptionTable, given: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(given).flatMap(([name, value]) => {
    const option = Object.hasOwn(table, name) ? (table[name] as Option) : undefined;
    if (!option || value === undefined) return [];
    const flag = flagNamed(name);
    if (option.placeholder === undefined) {
      if (value === true) return option.negated === true ? [] : [flag];
      return option.negated ? [flagNamed(name, { negated: true })] : [];
    }
    if (value === true) return [flag];
    if (Array.isArray(value) && value.length === 0 && !option.texts) return [];
    // a separate value that begins with a dash would be parsed as another flag
    return textsOf(option, value).flatMap((text) =>
      text.startsWith("-") ? [`${flag}=${text}`] : [flag, text],
    );
  });
}

/** Returns words as a command line for a POSIX shell. */
export function commandLine(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./^-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");
}

// The closed set of errors, each with the exit code that scripts rely on (docs/cli.md).
// Anything else that is thrown is a bug: stack trace, exit 70.

/** An error that a user can act upon: the message says what was expected, what was found and what to try next. */
export abstract class EmbedError extends Error {
  abstract readonly exitCode: number;
  constructor(message: string, options?: ErrorOptions) {
    super(visibleText(shortened(message)), options);
    this.name = new.target.name;
  }
}

/** A bad flag, a bad value or an impossible combination of them. */
export class UsageError extends EmbedError {
  readonly exitCode = 64;
}

/** Every exit code of the program, with its error class and its meaning. docs/cli.md has the same table. */
export const exitCodes: readonly { code: string; name?: string; when: string }[] = [
  { code: "0", when: "success" },
  {
    code: "64",
    name: "UsageError",
    when: "an invalid option or value, an invalid combination of options, or an unknown column",
  },
  {
    code: "65",
    name: "DataError",
    when: "malformed input; the message names file, line, column and what was expected",
  },
  { code: "66", name: "NoInputError", when: "an input file does not exist" },
  { code: "70", when: "a bug in embed; prints a stack trace" },
  {
    code: "73",
    name: "OutputError",
    when: "the output exists already (--force replaces it) or cannot be created",
  },
  {
    code: "74",
    name: "IoError",
    when:
      "reading or writing failed (disk full, permissions), or the system is out of memory, threads or " +
      "file handles",
  },
  {
    code: "75",
    name: "LockedError",
    when: "another command is writing to the store, or another program to the database: try again later, or use --wait",
  },
  {
    code: "78",
    name: "ConfigError",
    when: "an invalid config or pipeline file; the message names line and column",
  },
  {
    code: "80",
    name: "DivergedError",
    when: "a loss or a parameter became NaN or infinite; nothing was written",
  },
  { code: "81", name: "GateError", when: "a quality gate failed; nothing was published" },
  {
    code: "82",
    name: "ArtifactError",
    when: "a run or dataset directory is damaged or has an incompatible version",
  },
  {
    code: "129, 130, 143",
    when:
      "interrupted by SIGHUP, SIGINT (Ctrl-C) or SIGTERM; temporary files are removed, existing output " +
      "is unchanged",
  },
];

/** A place in the input where something is wrong; lines and columns count from 1. */
export interface Place {
  file: string;
  line?: number;
  column?: string;
}

/** The input is malformed. If the place is known, the message starts with `file:line: column 'name': `. */
export class DataError extends EmbedError {
  readonly exitCode = 65;
  readonly place: Place | undefined;
  /** the message without the file, line and column of the place */
  readonly detail: string;
  constructor(message: string, place?: Place) {
    super(place ? `${formatPlace(place)}: ${message}` : message);
    this.place = place;
    this.detail = message;
  }
}

/** The input holds no row, or none that can be used. */
export class NoRowsError extends DataError {}

/** A named input does not exist. */
export class NoInputError extends EmbedError {
  readonly exitCode = 66;
}

/** The output exists, or cannot be created. */
export class OutputError extends EmbedError {
  readonly exitCode = 73;
}

/** Reading or writing failed on the way (disk full, permission), or the system refused memory, threads or files. */
export class IoError extends EmbedError {
  readonly exitCode = 74;
}

/** Another process holds the lock; the same command may work later. */
export class LockedError extends EmbedError {
  readonly exitCode = 75;
}

/** A config file is unreadable or invalid. With a known place, the message starts with `file:line:column: `. */
export class ConfigError extends EmbedError {
  readonly exitCode = 78;
  constructor(
    message: string,
    readonly place?: { file: string; line: number; column: number },
    options?: ErrorOptions,
  ) {
    super(place ? `${place.file}:${place.line}:${place.column}: ${message}` : message, options);
  }
}

/** A loss or a parameter became NaN or infinite; nothing was published. */
export class DivergedError extends EmbedError {
  readonly exitCode = 80;
}

/** A quality gate failed; nothing was published. */
export class GateError extends EmbedError {
  readonly exitCode = 81;
}

/** A run directory or a table is damaged, or of another version. */
export class ArtifactError extends EmbedError {
  readonly exitCode = 82;
}

function formatPlace({ file, line, column }: Place): string {
  return [line === undefined ? file : `${file}:${line}`, column === undefined ? [] : `column '${column}'`]
    .flat()
    .join(": ");
}

/** Cuts text from the input to 80 characters and shows control characters as escapes, for use in a message. */
export function excerpt(text: string): string {
  const cut = text.length > 80 ? `${text.slice(0, 79)}…` : text;
  return JSON.stringify(cut);
}

/**
 * Characters that steer a terminal or set in which direction text is drawn: controls other than tab and line feed, the
 * marks, embeddings, overrides and isolates of writing direction, and Unicode's own line ends.
 */
const STEERING = /[^\P{Cc}\t\n]|[\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu;

/**
 * Makes text with names from untrusted input safe to print: each character that steers a terminal or reorders text is
 * replaced by an escape such as `\u001b`.
 *
 * Applied to JSON, it gives the same JSON: such characters occur only within strings, where these escapes are valid.
 */
export function visibleText(text: string): string {
  return text.replaceAll(
    STEERING,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Makes text of any length safe to print on one line: line ends and tabs become spaces. */
export function printable(text: string): string {
  return visibleText(shortened(text.replaceAll(/\r\n|[\t\n\v\f\r]/g, " ")));
}

const [LONGEST_LINE, LONGEST_TEXT] = [2000, 20_000];

/** Shortens a message that contains very long names. Cuts the middle of a long line or text: the end has the advice. */
export function shortened(text: string): string {
  if (text.length <= LONGEST_LINE) return text;
  const lines = text.length <= LONGEST_TEXT ? text : withoutMiddle(text, LONGEST_TEXT);
  return lines
    .split("\n")
    .map((line) => withoutMiddle(line, LONGEST_LINE))
    .join("\n");
}

function withoutMiddle(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const left = countText(text.length - longest);
  return `${text.slice(0, longest / 2)}… (${left} characters left out) …${text.slice(-longest / 2)}`;
}

/** Formats a number of bytes for messages: `1.3 GiB`, `12.0 MiB`, `10.0 KiB`. */
export function sizeText(bytes: number): string {
  const [unit, name] = [[2 ** 30, "GiB"] as const, [2 ** 20, "MiB"] as const, [2 ** 10, "KiB"] as const].find(
    ([size]) => bytes >= 0.1 * size,
  ) ?? [2 ** 10, "KiB"];
  return `${(bytes / unit).toFixed(1)} ${name}`;
}

/** Formats a whole number as `1,000,000`, without Intl, which takes longer to load than many commands run. */
export function countText(n: number): string {
  return String(n).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}

/** Returns an option's name as a user types it: `--min-count` for minCount. */
export function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Maximum length of a name for which a similar name is suggested. */
const LONGEST_TYPED = 200;

/** Returns the candidate nearest to `name` by edit distance, for "did you mean"; undefined if none is near. */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  // the time grows with the product of both names' lengths, for each candidate
  if (name.length > LONGEST_TYPED) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 2)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(name.length - candidate.length) >= bestDistance) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(previous[j]! + 1, current[j - 1]! + 1, substitution));
    }
    previous = current;
  }
  return previous[b.length]!;
}

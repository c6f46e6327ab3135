// Filters and checks the rows of a log, and appends the remaining rows to a dataset.

import { mapTo } from "../base/numeric/indices.js";
import { MISSING } from "../log/keys.js";
import { DataError, excerpt, type Place } from "../base/errors.js";
import type { Batch } from "../log/log.js";
import { maySkip, skipAdvice } from "../log/skip-advice.js";
import { parseNumber, truthOf } from "../log/number.js";
import { timeOfNumber, formatsOf, timeParser, type TimeParser } from "../log/time.js";
import { columnText } from "./filters/where.js";
import type { WhereRows } from "./filters/where-rows.js";
import type { LabelPlace } from "./dataset.js";
import { isVectors, splitCell, splitExpected, type CellForm } from "./multi.js";
import { sumOf } from "./steps.js";
import { zeroKinds, type EventWeightOptions } from "./sequences/event-weights.js";

/** A column to read, with the rules for its valid cells. */
export interface Purpose {
  name: string;
  as: "key" | "number";
  /** true if the numbers are times in milliseconds */
  isTime?: true;
  /** true if --key-case does not apply: the cells are not keys, or are compared as in the log */
  keepsCase?: true;
  role: "label" | "class" | "time" | "weight" | "numeric" | "key";
  /** true if empty cells are invalid */
  required: boolean;
  /** how multi-valued cells of the form `key:number` are split; absent for other cells */
  cells?: CellForm;
  /** exclusive lower bound of valid numbers */
  above?: number;
  /** inclusive range of valid numbers; `expected` describes it in error messages */
  range?: { from: number; to: number; expected?: string };
  /** advice that error messages add if skipping bad rows would skip nearly the whole log */
  advice?: string;
  /** true if the original cells are stored in Dataset.beside */
  isBeside?: true;
}

const expectations = {
  label: "expected a finite number as label",
  class: "expected a class name",
  time: "expected a time (Unix seconds or milliseconds, or ISO 8601; set other formats with --time-format)",
  weight: "expected a finite weight of at least 0",
  numeric: "expected a finite number",
  key: "expected a value",
};
const expectedTruth = "expected a label of true or false, or 1 or 0";
const expectedLabel = "expected a label in the range of a 32-bit float";

/** Cells of consecutive rows in one column: u32 codes of texts, or f64 numbers. Times are in milliseconds. */
export type Cells = Uint32Array | Float64Array;

export type KeyOf = (request: number, code: number) => string;

/** Sink of the rows that pass the filters and checks: memory, or files. */
export interface RowSink {
  /**
   * @param cells one array of numRows entries per column to read (Purpose); the sink owns them until it has taken the
   *   rows
   * @param rowNumbers f64[numRows], if requested: each row's number in the log, from 0
   */
  append(cells: Cells[], numRows: number, keyOf: KeyOf, rowNumbers?: Float64Array): void | Promise<void>;
}

/** The largest finite 32-bit float. */
const MAX_F32 = (2 - 2 ** -23) * 2 ** 127;

interface FirstBad {
  message: string;
  advice: string | undefined;
  /** true if the advice applies to any number of rows, and not only if too many are bad to skip them */
  isKnown: boolean;
  place: Place;
}

const KEPT = 0;
const DROPPED = 1;
const BAD = 2;

export interface Handling extends Pick<EventWeightOptions, "eventWeight"> {
  /** format of times that are neither Unix time nor ISO 8601 */
  timeFormat?: string;
  onBadRow: "error" | "skip";
  onSkipped?: (row: BadRow) => void;
  /**
   * true if the sink gets the number of each row in the log; malformed rows are counted too, so batches must list them
   */
  numbersRows?: boolean;
}

/** Checks rows and sends those that pass to a sink. */
export class RowCollector {
  numRows = 0;
  /** Number of kept rows of each file, in the order of the log's files. */
  readonly rowsOfFiles = new Map<string, number>();
  /** number of rows that each filter dropped */
  readonly dropped: number[];
  /** number of rows that were dropped because their weight is 0 */
  weightless = 0;
  /** position of the first label that is neither 0 nor 1 */
  firstOther: LabelPlace | undefined;
  readonly skipped: Record<string, number> = {};
  /** rows of the current batch that have a bad cell; collected only if onSkipped is set */
  readonly #bad: BadRow[] = [];
  readonly #parseTime: TimeParser;
  readonly #expectedTime: string;
  readonly #zeroKinds: ReturnType<typeof zeroKinds>;
  /** by code of a kind of event: whether its weight is 0 */
  readonly #isZero: boolean[] = [];
  /** for each column to read, by code: 1 if the multi-valued cell cannot be split */
  readonly #badSplit: number[][];
  /** for each column of vectors: the length of the first */
  readonly #dims: (number | undefined)[] = [];
  /** for each column to read, by code: the number that a text states, for times (ms) and labels read as text */
  readonly #numberOfCode: number[][];
  /** the first bad row of a batch, if bad rows are errors: reported with the share of such rows */
  #first: FirstBad | undefined;
  /** number of rows so far, without malformed ones */
  #numRead = 0;
  /** number of malformed rows so far; batches do not contain them as rows */
  #numFaulty = 0;

  constructor(
    private readonly purposes: readonly Purpose[],
    private readonly handling: Handling,
    private readonly filters: readonly WhereRows[],
    private readonly sink: RowSink,
  ) {
    this.dropped = filters.map(() => 0);
    const { timeFormat } = handling;
    this.#parseTime = timeParser(timeFormat);
    this.#zeroKinds = zeroKinds(handling);
    this.#expectedTime =
      timeFormat === undefined
        ? expectations.time
        : formatsOf(timeFormat).length === 1
          ? `expected a time in the format '${timeFormat}' (--time-format)`
          : `expected a time that is unambiguous in the formats '${timeFormat}' (--time-format)`;
    this.#badSplit = purposes.map(() => []);
    this.#numberOfCode = purposes.map(() => []);
  }

  /**
   * Filters, checks and appends the rows of a batch. Filters are applied first, so that rows they drop need not be
   * valid, and rows of weight 0 next, for the same reason.
   *
   * @throws {DataError} a row that no filter drops has a bad cell, and bad rows are not skipped
   */
  add(batch: Batch, keyOf: KeyOf): void | Promise<void> {
    const fates = new Uint8Array(batch.numRows);
    this.#numRead += batch.numRows;
    this.filters.forEach((filter, f) => (this.dropped[f]! += filterRows(filter, batch, keyOf, fates)));
    this.purposes.forEach((purpose, i) => this.#dropWeightless(purpose, i, batch, keyOf, fates));
    for (const { row, request, text } of batch.badCells)
      this.#reject(batch, row, this.purposes[request]!, text, fates);
    this.purposes.forEach((purpose, i) => {
      if (isStated(purpose)) this.#checkStated(purpose, i, batch, keyOf, fates);
      if (purpose.cells) this.#checkSplits(purpose, purpose.cells, i, batch, keyOf, fates);
      if (purpose.required) this.#checkPresent(purpose, i, batch, fates);
      if (purpose.role === "label" && purpose.as === "number") this.#checkLabels(purpose, i, batch, fates);
      if (purpose.above !== undefined) this.#checkAbove(purpose, purpose.above, i, batch, fates);
      if (purpose.range) this.#checkRange(purpose, purpose.range, i, batch, fates);
    });
    if (this.#first) throw this.#badRow(this.#first, fates);
    this.#noteLabels(batch, fates);
    const { onSkipped } = this.handling;
    if (onSkipped) this.#tell(batch.faultyRows, onSkipped);
    const rowNumbers = this.handling.numbersRows === true ? this.#rowNumbers(batch, fates) : undefined;
    const { cells, kept } = this.#kept(batch, fates);
    this.numRows += kept;
    if (batch.numRows > 0) {
      // the file of the first row is the file of all rows, because a batch never spans two files
      const { file } = batch.placeOf(0);
      this.rowsOfFiles.set(file, (this.rowsOfFiles.get(file) ?? 0) + kept);
    }
    return kept > 0 ? this.sink.append(cells, kept, keyOf, rowNumbers) : undefined;
  }

  /** Returns the position in the log of each kept row; malformed rows count, too. */
  #rowNumbers(batch: Batch, fates: Uint8Array): Float64Array {
    const faulty = batch.faultyRows.map(({ line }) => line).sort((a, b) => a - b);
    const numbers: number[] = [];
    let before = 0;
    for (let row = 0; row < batch.numRows; row++) {
      if (before < faulty.length) {
        const { line } = batch.placeOf(row);
        while (before < faulty.length && faulty[before]! < line) before++;
      }
      if (fates[row] === KEPT) numbers.push(batch.firstRow + this.#numFaulty + before + row);
    }
    this.#numFaulty += faulty.length;
    return Float64Array.from(numbers);
  }

  #dropWeightless(
    { name, role, as, range }: Purpose,
    i: number,
    batch: Batch,
    keyOf: KeyOf,
    fates: Uint8Array,
  ): void {
    const cells = batch.columns[i]!;
    const kinds = this.#zeroKinds?.column === name && as === "key" ? this.#zeroKinds : undefined;
    // weights of edges have a range without 0
    if (!kinds && !(role === "weight" && range?.from === 0)) return;
    if (kinds)
      for (let code = this.#isZero.length; code < batch.sizes[i]!; code++)
        this.#isZero.push(kinds.isZero(keyOf(i, code)));
    const isMissingZero = kinds?.isZero("") === true;
    for (let row = 0; row < batch.numRows; row++) {
      const cell = cells[row]!;
      const isZero = kinds ? (cell === MISSING ? isMissingZero : this.#isZero[cell]!) : cell === 0;
      if (!isZero || fates[row] !== KEPT) continue;
      fates[row] = DROPPED;
      this.weightless++;
    }
  }

  #checkStated(purpose: Purpose, i: number, batch: Batch, keyOf: KeyOf, fates: Uint8Array): void {
    const numbers = this.#numberOfCode[i]!;
    const parse = purpose.role === "time" ? this.#parseTime : truthOrNumber;
    let bad = numbers.some(Number.isNaN);
    for (let code = numbers.length; code < batch.sizes[i]!; code++) {
      numbers.push(parse(keyOf(i, code)));
      bad ||= Number.isNaN(numbers[code]);
    }
    if (!bad) return;
    const codes = batch.columns[i]!;
    const expected = purpose.role === "time" ? this.#expectedTime : expectedTruth;
    for (let row = 0; row < batch.numRows; row++) {
      const code = codes[row]!;
      if (code !== MISSING && Number.isNaN(numbers[code]))
        this.#reject(batch, row, purpose, keyOf(i, code), fates, expected);
    }
  }

  #checkSplits(
    purpose: Purpose,
    form: CellForm,
    i: number,
    batch: Batch,
    keyOf: KeyOf,
    fates: Uint8Array,
  ): void {
    const bad = this.#badSplit[i]!;
    for (let code = bad.length; code < batch.sizes[i]!; code++) {
      const size = splitCell(keyOf(i, code), form)?.size;
      if (isVectors(form)) this.#dims[i] ??= size;
      bad.push(size === undefined || size !== (this.#dims[i] ?? size) ? 1 : 0);
    }
    const codes = batch.columns[i]!;
    for (let row = 0; row < batch.numRows; row++) {
      const code = codes[row]!;
      if (code !== MISSING && bad[code] === 1)
        this.#reject(batch, row, purpose, keyOf(i, code), fates, splitExpected(form, this.#dims[i]));
    }
  }

  #checkPresent(purpose: Purpose, i: number, batch: Batch, fates: Uint8Array): void {
    const cells = batch.columns[i]!;
    for (let row = 0; row < batch.numRows; row++) {
      const empty = purpose.as === "key" ? cells[row] === MISSING : Number.isNaN(cells[row]);
      if (empty) this.#reject(batch, row, purpose, "", fates);
    }
  }

  /** Checks that labels fit in 32-bit floats, as trainers store them. */
  #checkLabels(purpose: Purpose, i: number, batch: Batch, fates: Uint8Array): void {
    const labels = batch.columns[i]!;
    for (let row = 0; row < batch.numRows; row++) {
      const y = labels[row]!;
      if (Math.abs(y) > MAX_F32) this.#reject(batch, row, purpose, String(y), fates, expectedLabel);
    }
  }

  #noteLabels(batch: Batch, fates: Uint8Array): void {
    const i = this.purposes.findIndex(({ role, as }) => role === "label" && as === "number");
    if (i === -1 || this.firstOther) return;
    const labels = batch.columns[i]!;
    for (let row = 0; row < batch.numRows; row++) {
      const label = labels[row]!;
      if (label === 0 || label === 1 || fates[row] !== KEPT) continue;
      this.firstOther = { ...batch.placeOf(row), label };
      return;
    }
  }

  #checkAbove(purpose: Purpose, above: number, i: number, batch: Batch, fates: Uint8Array): void {
    const numbers = batch.columns[i]!;
    const expected = `expected a number above ${above} (log1p)`;
    for (let row = 0; row < batch.numRows; row++) {
      if (numbers[row]! <= above) this.#reject(batch, row, purpose, String(numbers[row]), fates, expected);
    }
  }

  #checkRange(
    purpose: Purpose,
    { from, to, expected }: NonNullable<Purpose["range"]>,
    i: number,
    batch: Batch,
    fates: Uint8Array,
  ): void {
    const numbers = batch.columns[i]!;
    for (let row = 0; row < batch.numRows; row++) {
      const x = numbers[row]!;
      if (x < from || x > to) this.#reject(batch, row, purpose, String(x), fates, expected);
    }
  }

  #reject(
    batch: Batch,
    row: number,
    purpose: Purpose,
    text: string,
    fates: Uint8Array,
    expected = expectations[purpose.role],
  ): void {
    if (fates[row] !== KEPT) return;
    const { texts } = batch.nulls[this.purposes.indexOf(purpose)]!;
    const nulls =
      texts.length > 0 ? ` (read as missing: ${texts.join(", ")}; --null '' keeps them as text)` : "";
    const got = text === "" ? `the cell is empty${nulls}` : `got ${excerpt(text)}`;
    if (this.handling.onBadRow === "error") {
      // counts the batch's other bad rows before the first one is reported
      fates[row] = BAD;
      this.#first ??= {
        message: `${expected}, ${got}`,
        advice:
          purpose.advice ??
          (purpose.role === "label" && text === "" ? adviceOfLabels(purpose.name) : undefined),
        isKnown: purpose.advice !== undefined,
        place: { ...batch.placeOf(row), column: purpose.name },
      };
      return;
    }
    const reason = `${purpose.name}: ${expected}`;
    if (this.handling.onSkipped) {
      const place = batch.placeOf(row);
      this.#bad.push({ ...place, reason: expected, column: purpose.name, text });
    }
    this.skipped[reason] = (this.skipped[reason] ?? 0) + 1;
    fates[row] = BAD;
  }

  #badRow({ message, advice, isKnown, place }: FirstBad, fates: Uint8Array): DataError {
    const bad = fates.reduce((sum, fate) => sum + (fate === BAD ? 1 : 0), 0);
    const share = skipAdvice(bad, this.#numRead);
    if (isKnown) return new DataError(`${message}; ${advice}`, place);
    const further = advice === undefined || maySkip(bad, this.#numRead) ? "" : `: ${advice}`;
    return new DataError(`${message}; ${share}${further}`, place);
  }

  /** Passes the batch's bad rows to onSkipped, in the order of the log. */
  #tell(faulty: readonly BadRow[], onSkipped: (row: BadRow) => void): void {
    for (const row of [...faulty, ...this.#bad.splice(0)].sort((a, b) => a.line - b.line)) onSkipped(row);
  }

  #kept(batch: Batch, fates: Uint8Array): { cells: Cells[]; kept: number } {
    let kept = 0;
    // loops use indexes, because iterators and callbacks take as long as reading the log
    for (let row = 0; row < fates.length; row++) if (fates[row] === KEPT) kept++;
    const cells = batch.columns.map((column, i) => {
      if (kept < batch.numRows) {
        let at = 0;
        for (let row = 0; row < batch.numRows; row++) if (fates[row] === KEPT) column[at++] = column[row]!;
      }
      const rows = kept < batch.numRows ? column.slice(0, kept) : column;
      if (isStated(this.purposes[i]!)) return this.#stated(rows, i);
      const { role, isTime } = this.purposes[i]!;
      // converts numeric times from their unit to milliseconds
      return role === "time" && isTime !== true ? timesOf(rows) : rows;
    });
    return { cells, kept };
  }

  /** Returns the number that the text of each cell states, a time or a label; NaN for an empty cell. */
  #stated(cells: Cells, i: number): Float64Array {
    const numbers = this.#numberOfCode[i]!;
    return mapTo(Float64Array, cells, (code) => (code === MISSING ? NaN : numbers[code]!));
  }
}

/** Drops the rows for which the filter is false. @returns how many of them no other filter or check dropped before */
function filterRows(filter: WhereRows, batch: Batch, keyOf: KeyOf, fates: Uint8Array): number {
  const holds = filter.of(batch, keyOf);
  let dropped = 0;
  for (let row = 0; row < fates.length; row++) {
    if (holds[row] !== 0 || fates[row] !== KEPT) continue;
    fates[row] = DROPPED;
    dropped++;
  }
  return dropped;
}

/** Converts numeric times to milliseconds, in place. */
function timesOf(times: Cells): Cells {
  for (let row = 0; row < times.length; row++) times[row] = timeOfNumber(times[row]!);
  return times;
}

function adviceOfLabels(name: string): string {
  return `--where '${columnText(name)} is not missing' keeps the rows with a label, --ignore ${name} trains without it`;
}

/** Whether the text of a cell must parse as a number: a time, or a label of true or false. */
function isStated({ role, as }: Purpose): boolean {
  return as === "key" && (role === "time" || role === "label");
}

/** Returns 1 for a label of true or 1, 0 for false or 0, and NaN for other texts. */
function truthOrNumber(cell: string): number {
  const number = parseNumber(cell);
  return truthOf(cell) ?? (number === 0 || number === 1 ? number : NaN);
}

/** A row that was skipped. */
export interface BadRow {
  file: string;
  /** number of the file's line on which the row starts, from 1 */
  line: number;
  reason: string;
  /** name of the invalid cell's column; absent if the whole row is malformed */
  column?: string;
  /** text of the cell if a column is given, otherwise of the row */
  text: string;
}

/** Returns a text such as `1,204 wrong number of cells, 3 price: a finite number is expected`. */
function describe(skipped: Record<string, number>): string {
  return Object.entries(skipped)
    .map(([reason, count]) => `${count.toLocaleString("en")} ${reason}`)
    .join("; ");
}

/**
 * Checks the share of bad rows against its limit.
 *
 * @param skipped number of bad rows per reason
 * @param numRead number of all rows of the log, including bad ones
 * @param max maximum share, in [0, 1]
 * @throws {DataError} the share is larger
 */
export function checkBadShare(
  skipped: Record<string, number>,
  numRead: number,
  max: number,
  paths: readonly string[],
): void {
  const bad = sumOf(skipped);
  if (bad === 0 || bad <= max * numRead) return;
  const allowed = `${Number((100 * max).toPrecision(6))}%`;
  throw new DataError(
    `${bad.toLocaleString("en")} of ${numRead.toLocaleString("en")} rows are bad, --max-bad allows ` +
      `${allowed}: ${describe(skipped)}. Write them to a file with --bad-rows FILE` +
      (maySkip(bad, numRead) ? ", or raise --max-bad" : ""),
    { file: paths.join(", ") },
  );
}

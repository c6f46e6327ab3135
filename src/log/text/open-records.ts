// Opens files of records (JSON lines, libsvm, libffm) as a log, as openLog does for delimited text.
//
// Records become text cells and pass through the merger like scanned chunks, so the same events get the same codes in
// every format. Reading uses one thread, and memory for the distinct keys and a few thousand records.

import { skipAdvice } from "../skip-advice.js";
import { DataError, NoRowsError } from "../../base/errors.js";
import { canReopen } from "../../base/io/source.js";
import { undelimited, type LogFile, type FaultyRow, type Log, type ReadOptions } from "../log.js";
import { checkPartition } from "../file-columns.js";
import { loadKernel } from "../../compute/kernels/shared/load.js";
import { checkColumnCount, SAMPLE_BYTES, SAMPLE_ROWS } from "../limits.js";
import { Merger } from "../merge.js";
import { NullTexts } from "../nulls.js";
import { progressOf, replayed } from "../read.js";
import {
  RowFault,
  type RecordPiece,
  type RecordForm,
  type RecordSource,
  type Schema,
} from "./record-form.js";
import { scanMemories, type ScanMemory } from "../scanner.js";
import { MISSING, encodeKeys } from "../keys.js";
import type { ChunkScan } from "./chunk-scanner.js";
import { KeyTable } from "../key-table.js";
import { parseNumber } from "../number.js";

type Item<Rec> =
  | { kind: "start" | "end"; path: string }
  | ({ kind: "piece"; piece: RecordPiece<Rec> } & LogFile);

/** Opens files of one format as one log. @throws as openLog */
export async function openRecords<Rec>(
  files: readonly LogFile[],
  form: RecordForm<Rec>,
  options: ReadOptions,
): Promise<Log> {
  const sources: RecordSource[] = [];
  const close = async () => {
    for (const source of sources) await source.close();
  };
  const { partition } = files[0]!;
  for (const file of files) checkPartition({ ...files[0]!, columns: [] }, { ...file, columns: [] });
  const items = itemsOf(files, form, sources);
  try {
    // a file that cannot be read is reported now, not after the previous files were read
    const further: FileHead<Rec>[] = [];
    for (const file of files.slice(1))
      if (!options.sources && (await canReopen(file.path))) further.push(await headOf(file, form));
    const head: Item<Rec>[] = [];
    const { schema, sample, sampleIsAll, warnings } = await takeHead(items, head, further, form, options);
    const columns = [...schema.columns, ...Object.keys(partition)];
    checkPartition(
      { path: files[0]!.path, columns: [], partition },
      { path: files[0]!.path, columns: schema.columns, partition },
    );
    return {
      columns,
      multi: schema.multi,
      multiWeights: schema.multiWeights,
      sample: new NullTexts(options.nulls).cells(sample),
      sampleIsAll,
      ...undelimited(options),
      warnings,
      close,
      async read(requests, onBatch, observe) {
        const indexed = requests.map(({ name, as }) => ({ column: columns.indexOf(name), as }));
        form.want?.(new Set(requests.map(({ name }) => name)));
        const module = await loadKernel("scan");
        const memories = scanMemories(module, sampleIsAll);
        const merger = new Merger({ requests: indexed }, 1, options, memories.merger);
        const scanner = new RowScanner(indexed, memories.scanner);
        const keyOf = (request: number, code: number) => merger.keyOf(request, code);
        const skipped: Record<string, number> = {};
        const { keepBadRows = false, onBadRow } = options;
        try {
          for await (const item of replayed(head, items)) {
            if (item.kind === "start") merger.startFile(options.held?.linesBefore ?? 0);
            if (item.kind !== "piece") continue;
            const { piece, path } = item;
            const place = { ...item, firstLine: merger.nextLine };
            const { rows, lines, faulty } = recordRows(piece, place, form, schema, onBadRow, merger.numRows);
            for (const { reason } of faulty) skipped[reason] = (skipped[reason] ?? 0) + 1;
            const batch = merger.merge(scanner.scan(rows, lines, piece.numLines), 0, path);
            if (keepBadRows) batch.faultyRows.push(...faulty);
            if (batch.numRows + batch.faultyRows.length > 0) await onBatch(batch, keyOf);
            observe?.(progressOf(merger.numRows, sources));
          }
        } finally {
          await items.return(undefined);
          await close();
        }
        return {
          numRows: merger.numRows,
          dictionaries: merger.dictionaries(),
          inputs: sources.map((source) => source.fingerprint()),
          skipped,
          nulls: merger.nulls,
          warnings: form.warnings?.() ?? [],
        };
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function* itemsOf<Rec>(
  files: readonly LogFile[],
  form: RecordForm<Rec>,
  sources: RecordSource[],
): AsyncGenerator<Item<Rec>, void, undefined> {
  for (const { path, partition } of files) {
    const file = await form.open(path);
    sources.push(file.source);
    yield { kind: "start", path };
    let numRecords = 0;
    for await (const piece of file.pieces()) {
      numRecords += piece.records.length;
      yield { kind: "piece", path, partition, piece };
    }
    await file.source.close();
    if (numRecords === 0)
      throw new DataError(`the file has no rows: expected ${form.expected}`, { file: path, line: 1 });
    yield { kind: "end", path };
  }
}

/** A file with its first records, from which the columns are determined. */
interface FileHead<Rec> extends LogFile {
  records: Rec[];
}

async function headOf<Rec>(file: LogFile, form: RecordForm<Rec>): Promise<FileHead<Rec>> {
  const opened = await form.open(file.path);
  const records: Rec[] = [];
  try {
    for await (const piece of opened.pieces()) {
      for (const record of piece.records) if (records.length < SAMPLE_ROWS) records.push(record);
      if (records.length === SAMPLE_ROWS) break;
    }
  } finally {
    await opened.source.close();
  }
  return { ...file, records };
}

/** Warns about columns that the first file's first rows lack, with the file in which each first occurs. */
function furtherColumnWarnings<Rec>(
  first: readonly Rec[],
  further: readonly FileHead<Rec>[],
  form: RecordForm<Rec>,
  ignored: readonly string[] = [],
): string[] {
  const known = new Set([...form.schemaOf(first).columns, ...ignored]);
  return further.flatMap(({ path, records }) => {
    const own = form.schemaOf(records).columns.filter((name) => !known.has(name));
    for (const name of own) known.add(name);
    return own.map(
      (name) => `column '${name}' exists from '${path}' on: the first rows of the files before it lack it`,
    );
  });
}

/** Reads pieces until they contain the first rows; `pulled` receives them, for read() to process again. */
async function takeHead<Rec>(
  items: AsyncGenerator<Item<Rec>, void, undefined>,
  head: Item<Rec>[],
  further: readonly FileHead<Rec>[],
  form: RecordForm<Rec>,
  options: ReadOptions,
): Promise<{ schema: Schema; sample: string[][]; sampleIsAll: boolean; warnings: string[] }> {
  let [numRecords, numChars] = [0, 0];
  let sampleIsAll = false;
  while (numRecords <= SAMPLE_ROWS && numChars <= SAMPLE_BYTES && !sampleIsAll) {
    const { value: item, done } = await items.next();
    if (item && !done) head.push(item);
    else sampleIsAll = true;
    if (item?.kind !== "piece") continue;
    numRecords += item.piece.records.length;
    for (const record of item.piece.records) numChars += form.textOf(record).length;
  }
  const pieces = head.filter((item) => item.kind === "piece");
  const first = pieces
    .flatMap(({ piece, partition, path }) => piece.records.map((record) => ({ record, partition, path })))
    .slice(0, SAMPLE_ROWS);
  const known = new Set(form.schemaOf(first.map(({ record }) => record)).columns);
  // the sample also contains the first rows of each file with further columns, from which the types of these columns
  // are inferred
  const heads = further.filter(({ records }) => {
    const own = form.schemaOf(records).columns.filter((name) => !known.has(name));
    for (const name of own) known.add(name);
    return own.length > 0;
  });
  const shown = [
    ...first,
    ...heads.flatMap(({ records, partition }) => records.map((record) => ({ record, partition }))),
  ];
  const schema = form.schemaOf(shown.map(({ record }) => record));
  const ofFile = first.filter(({ path }) => path === first[0]!.path).map(({ record }) => record);
  const warnings = furtherColumnWarnings(ofFile, further, form, options.ignore);
  if (schema.columns.length === 0) {
    // all records are malformed, so the fault of the first one is thrown
    const { path, piece } = pieces.find(({ piece }) => piece.records.length > 0)!;
    recordRows(piece, { path, partition: {}, firstLine: 1 }, form, schema, "error", 0);
    throw new DataError(`the first rows have no columns: expected ${form.expected}`, { file: path, line: 1 });
  }
  checkColumnCount(schema.columns.length, pieces[0]!.path, 1);
  const sample: string[][] = [];
  for (const { record, partition } of shown) {
    try {
      sample.push([...form.cellsOf(record, schema), ...Object.values(partition)]);
    } catch (error) {
      // leaves bad rows out of the sample; they are reported when the whole log is read
      if (!(error instanceof RowFault)) throw error;
    }
  }
  if (sample.length === 0 && options.onBadRow === "skip")
    throw new NoRowsError(`none of the first ${first.length} rows can be read: expected ${form.expected}`, {
      file: pieces[0]!.path,
      line: 1,
    });
  return { schema, sample, sampleIsAll, warnings };
}

/** Returns the cells of a piece's records; faulty records are thrown as errors or listed. */
function recordRows<Rec>(
  { records, lines }: RecordPiece<Rec>,
  { path, partition, firstLine }: LogFile & { firstLine: number },
  form: RecordForm<Rec>,
  schema: Schema,
  onBadRow: "error" | "skip",
  rowsBefore: number,
): { rows: string[][]; lines: number[]; faulty: FaultyRow[] } {
  const kept: { rows: string[][]; lines: number[]; faulty: FaultyRow[] } = {
    rows: [],
    lines: [],
    faulty: [],
  };
  const constants = Object.values(partition);
  const faults: { message: string; line: number; column: string | undefined }[] = [];
  for (const [i, record] of records.entries()) {
    const line = firstLine + lines[i]!;
    try {
      const cells = form.cellsOf(record, schema);
      kept.rows.push(constants.length === 0 ? cells : [...cells, ...constants]);
      kept.lines.push(lines[i]!);
    } catch (error) {
      if (!(error instanceof RowFault)) throw error;
      const { message, reason, column } = error;
      if (onBadRow === "error") {
        faults.push({ message, line, column });
        continue;
      }
      kept.faulty.push({ file: path, line, reason, text: form.textOf(record) });
    }
  }
  const [fault] = faults;
  if (fault) {
    const { message, ...place } = fault;
    const advice = skipAdvice(faults.length, rowsBefore + records.length);
    throw new DataError(`${message} (${advice})`, { file: path, ...place });
  }
  return kept;
}

/** Maximum number of keys of a column that are cached as text. */
const MAX_CACHED = 1 << 16;

interface RowRequest {
  column: number;
  as: "key" | "number";
}

/** Converts rows of text cells to codes and numbers, batch by batch, like a chunk scanner. */
class RowScanner {
  readonly #requests: readonly RowRequest[];
  readonly #tables: (KeyTable | undefined)[];
  readonly #cache: Map<string, number>[];

  constructor(requests: readonly RowRequest[], memory: ScanMemory) {
    this.#requests = requests;
    this.#tables = requests.map(({ as }) => (as === "key" ? new KeyTable(memory) : undefined));
    this.#cache = requests.map(() => new Map<string, number>());
  }

  /**
   * @param rows  cells of each row, one per column of the log
   * @param lines line number of each row, from 0
   * @throws {UsageError} the keys outgrow the memory
   */
  scan(rows: readonly string[][], lines: readonly number[], numLines: number): ChunkScan {
    const sizes = this.#tables.map((table) => table?.size ?? 0);
    const badCells: ChunkScan["badCells"] = [];
    const columns = this.#requests.map(({ column, as }, request) => {
      if (as === "key") return this.#codesOf(request, rows, column);
      return Float64Array.from(rows, (cells, row) => {
        const text = cells[column]!;
        const value = parseNumber(text);
        if (value === undefined) badCells.push({ row, request, line: lines[row]!, text });
        return value ?? NaN;
      });
    });
    badCells.sort((a, b) => a.row - b.row || a.request - b.request);
    return {
      numRows: rows.length,
      numLines,
      rowLines: Uint32Array.from(lines),
      columns,
      newKeys: this.#tables.map((table, i) => table?.keysFrom(sizes[i]!) ?? encodeKeys([])),
      badCells,
      fault: undefined,
      faults: { ragged: 0, quote: 0, encoding: 0 },
      numHeaders: 0,
    };
  }

  /** Looks up all uncached keys in one call, because a call of the kernel takes longer than a lookup. */
  #codesOf(request: number, rows: readonly string[][], column: number): Uint32Array {
    const table = this.#tables[request]!;
    const cache = this.#cache[request]!;
    if (cache.size >= MAX_CACHED) cache.clear();
    const unknown = new Set<string>();
    for (const cells of rows) {
      const text = cells[column]!;
      if (text !== "" && !cache.has(text)) unknown.add(text);
    }
    const keys = [...unknown];
    // the cache holds copies of keys, because a substring would keep the whole line in memory
    table
      .codesOf(encodeKeys(keys))
      .forEach((code, i) => cache.set(Buffer.from(keys[i]!, "utf8").toString("utf8"), code));
    return Uint32Array.from(rows, (cells) => (cells[column] === "" ? MISSING : cache.get(cells[column]!)!));
  }
}

// Converts the cells of a Parquet column to keys: each value of a dictionary is converted to text once, and integers
// and texts are handled as bytes, without a JavaScript string per row.
//
// Threads read columns, and the calling thread assigns codes in the order of the rows (codes.ts).

import type { SchemaElement } from "hyparquet";
import { NULL, UNKNOWN } from "../../compute/kernels/scan/layout.js";
import { MISSING, noKeys, selectKeys, type Keys } from "../keys.js";
import type { NullCells, NullTexts } from "../nulls.js";
import type { PageRegion, RangeBuffers } from "./memory.js";
import type { Segment } from "./cursor.js";
import {
  checkLeft,
  integerAt,
  integerText,
  isOwnText,
  spread,
  takeIndices,
  textAt,
  type PageValues,
  type PlainValues,
} from "./values.js";

/** The keys of the rows in a range, with the codes that a scanning thread knows; one thread sends it to another. */
export interface KeyCells {
  /**
   * u32[numRows]: codes of the log; MISSING for null values. A cell without a known code is UNKNOWN, or UNKNOWN + the
   * index of its value in the dictionary
   */
  cells: Uint32Array;
  /** consecutive parts of the range, which together cover all of its rows */
  parts: KeyPart[];
}

/** The keys of the rows `from` to `to` - 1 of a range. */
export interface KeyPart {
  from: number;
  to: number;
  /** keys of the UNKNOWN cells in their order; with `indices`, the dictionary's keys that are new to the thread */
  keys: Keys;
  /** number of bytes before each key that are not part of the key */
  gap: number;
  indices?: DictionaryIndices;
  /** null texts in these rows' cells; those of a dictionary only for the first rows that contain them */
  nulls: NullCells;
}

/** The values of a dictionary that occur in consecutive rows of a range. */
export interface DictionaryIndices {
  /** number of the dictionary within its row group and column */
  ordinal: number;
  size: number;
  /** u32[keys.size]: dictionary indices of the values without a code that are new to the thread, by first row */
  fresh: Uint32Array;
  /** true if some cells of these rows have a code that the thread does not know */
  hasUnknown: boolean;
}

/** The information about the log's keys that a thread has: the null texts, and the codes of keys. */
export interface KeyKnowledge {
  nullTexts: NullTexts;
  /**
   * Writes the codes of keys, u32[size]: MISSING for an empty key, UNKNOWN for a key without a known code. Returns the
   * number of UNKNOWN ones. When absent, the thread knows no codes.
   */
  find?: (keys: Keys, gap: number, codes: Uint32Array) => number;
  /** true if keys that are not in a dictionary are looked up as well; false if this thread assigns the codes itself */
  findsCells?: boolean;
}

/**
 * Values of a dictionary that occurred for the first time and have no code; `texts` lists the null texts among them.
 */
interface NewValues {
  fresh: Uint32Array;
  keys: Keys;
  texts: string[];
}

export class KeyReader {
  readonly #column: string;
  readonly #region: PageRegion;
  readonly #nullTexts: NullTexts;
  readonly #find: KeyKnowledge["find"];
  readonly #findCells: KeyKnowledge["find"];
  /** dictionary of the values that were read last */
  #dictionary: PlainValues | undefined;
  /** indices of those dictionary values that had no code when they were sent; they may have one by now */
  #unknown = new Uint32Array(0);
  readonly #bytes = new TextBytes();

  constructor(
    column: string,
    region: PageRegion,
    private readonly buffers: RangeBuffers,
    { nullTexts, find, findsCells = false }: KeyKnowledge,
  ) {
    this.#column = column;
    this.#region = region;
    this.#nullTexts = nullTexts;
    this.#find = find;
    this.#findCells = findsCells ? find : undefined;
  }

  /**
   * Reads the keys of a segment's rows and writes their codes to cells[at, at + numRows).
   *
   * @throws {RowFault} a value has no text
   * @throws {Error} the page is damaged
   */
  read(
    { values, numValues, numRows, levels }: Segment,
    { element, maxDefinition }: { element: SchemaElement; maxDefinition: number },
    cells: Uint32Array,
    at: number,
  ): KeyPart {
    const rows = { from: at, to: at + numRows };
    if (values.isCoded) {
      const part = this.#readCoded(values, numValues, element, cells, at);
      if (levels) spread(cells, at, numRows, numValues, levels, maxDefinition, MISSING);
      return { ...rows, ...part };
    }
    checkLeft(values, numValues);
    const plain = values.values;
    if (plain.kind === "text" && this.#findCells && !levels) {
      // most keys have codes already, so they are looked up at their place in the page and are not copied
      const offsets = plain.bounds.subarray(values.at, values.at + numValues + 1);
      values.at += numValues;
      const own = { size: numValues, bytes: plain.bytes, offsets };
      return { ...rows, ...this.#known(own, plain.gap, cells, at, false) };
    }
    const { keys, gap } = this.#cellsOf(plain, values.at, numValues, element);
    values.at += numValues;
    const all = levels ? this.#withEmpty(keys, gap, numRows, levels, maxDefinition) : keys;
    return { ...rows, ...this.#known(all, gap, cells, at) };
  }

  cellsOf(texts: readonly string[]): KeyCells {
    this.#bytes.clear(texts.length);
    for (const text of texts) this.#bytes.push(text);
    const cells = this.buffers.u32(texts.length);
    const part = this.#known(this.#bytes.keys(this.buffers), 0, cells, 0);
    return { cells, parts: [{ from: 0, to: texts.length, ...part }] };
  }

  repeated(text: string, numRows: number): KeyCells {
    const { cells, parts } = this.cellsOf([text]);
    const [part] = parts;
    const nulls = { ...part!.nulls, cells: part!.nulls.cells * numRows };
    const indices = { ordinal: 0, size: 1, fresh: new Uint32Array(part!.keys.size), hasUnknown: true };
    return {
      cells: new Uint32Array(numRows).fill(cells[0]!),
      parts: [{ ...part!, to: numRows, indices, nulls }],
    };
  }

  #readCoded(
    values: PageValues & { isCoded: true },
    numValues: number,
    element: SchemaElement,
    cells: Uint32Array,
    at: number,
  ): Omit<KeyPart, "from" | "to"> {
    const { dictionary, ordinal } = values;
    if (this.#dictionary !== dictionary) this.#startDictionary(dictionary);
    else if (at === 0) this.#findUnknown(dictionary, element);
    const indices = takeIndices(values, numValues);
    let known = this.#region.codesOf(indices);
    const { fresh, keys, texts } = known ? nothingNew() : this.#learn(dictionary, indices, element);
    known ??= this.#region.codesOf(indices)!;
    cells.set(known.codes, at);
    return {
      keys,
      gap: 0,
      indices: { ordinal, size: dictionary.count, fresh, hasUnknown: known.hasUnknown },
      nulls: { cells: known.numNulls, texts },
    };
  }

  #startDictionary(dictionary: PlainValues): void {
    this.#dictionary = dictionary;
    this.#unknown = new Uint32Array(0);
    this.#region.startDictionary(dictionary.count);
    // only texts are looked up in advance, because values of other types may have no text and thus no key
    if (!this.#find || dictionary.kind !== "text") return;
    const { count: size, bytes, bounds: offsets, gap } = dictionary;
    const { codes, shared } = this.#region;
    const found = shared.out(size);
    this.#find({ size, bytes, offsets }, gap, found);
    for (let i = 0; i < size; i++) if (found[i] !== UNKNOWN) codes[i] = found[i]!;
  }

  /** Looks up again the codes of dictionary values that the log did not have before. */
  #findUnknown(dictionary: PlainValues, element: SchemaElement): void {
    if (!this.#find || this.#unknown.length === 0) return;
    const { codes, shared } = this.#region;
    const found = shared.out(this.#unknown.length);
    const texts = this.#textsOf(dictionary, this.#unknown, element);
    this.#find(texts, 0, found);
    this.#give(texts);
    this.#unknown.forEach((index, i) => (codes[index] = found[i] === UNKNOWN ? UNKNOWN + index : found[i]!));
    this.#unknown = this.#unknown.filter((_, i) => found[i] === UNKNOWN);
  }

  /**
   * Processes dictionary values that occur for the first time. Codes are assigned in the order of first rows and not of
   * the dictionary, which may contain values that occur in no row.
   *
   * @returns the values without a code, with their keys; null texts among them
   */
  #learn(dictionary: PlainValues, indices: Uint32Array, element: SchemaElement): NewValues {
    const met = this.#region.meet(indices);
    const all = this.#textsOf(dictionary, met, element);
    const { codes } = this.#region;
    const texts: string[] = [];
    if (this.#nullTexts.size > 0)
      for (let i = 0; i < met.length; i++) {
        const text = this.#nullTexts.among(all, i);
        if (text === undefined) continue;
        codes[met[i]!] = NULL;
        if (!texts.includes(text)) texts.push(text);
      }
    let [fresh, keys] = [met, all];
    if (texts.length > 0) {
      const places = met.map((_, place) => place).filter((place) => codes[met[place]!] !== NULL);
      fresh = places.map((place) => met[place]!);
      keys = selectKeys(all, places);
    }
    if (this.#find) {
      const unknown = new Uint32Array(this.#unknown.length + fresh.length);
      unknown.set(this.#unknown);
      unknown.set(fresh, this.#unknown.length);
      this.#unknown = unknown;
    }
    return { fresh, keys, texts };
  }

  /**
   * Writes the known codes of keys, one per row.
   *
   * @param isOwn false: the keys are views, so keys that are kept must be copied
   * @returns the keys without a known code
   */
  #known(
    keys: Keys,
    gap: number,
    cells: Uint32Array,
    at: number,
    isOwn = true,
  ): Pick<KeyPart, "keys" | "gap" | "nulls"> {
    let numUnknown = keys.size;
    if (this.#findCells) numUnknown = this.#findCells(keys, gap, cells.subarray(at, at + keys.size));
    else cells.fill(UNKNOWN, at, at + keys.size);
    const nulls: NullCells = { cells: 0, texts: [] };
    // a null text gets no code, because it means a missing cell
    if (this.#nullTexts.size > 0 && numUnknown > 0)
      for (let i = 0; i < keys.size; i++) {
        if (cells[at + i] !== UNKNOWN) continue;
        const text = this.#nullTexts.among(keys, i, gap);
        if (text === undefined) continue;
        numUnknown--;
        cells[at + i] = MISSING;
        nulls.cells++;
        if (!nulls.texts.includes(text)) nulls.texts.push(text);
      }
    if (isOwn && numUnknown === keys.size) return { keys, gap, nulls };
    const unknown = this.#unknownOf(keys, cells, at, numUnknown);
    if (isOwn) this.#give(keys);
    return { keys: unknown, gap, nulls };
  }

  #unknownOf({ size, bytes, offsets }: Keys, cells: Uint32Array, at: number, numUnknown: number): Keys {
    const signed = new Int32Array(cells.buffer, 4 * at, size);
    let numBytes = 0;
    if (numUnknown > 0)
      for (let i = 0; i < size; i++) if (signed[i]! < -1) numBytes += offsets[i + 1]! - offsets[i]!;
    const left = {
      size: numUnknown,
      bytes: this.buffers.someBytes(numBytes),
      offsets: this.buffers.someU32(numUnknown + 1),
    };
    let [key, length] = [0, 0];
    left.offsets[0] = 0;
    for (let i = 0; key < numUnknown; i++) {
      if (signed[i]! >= -1) continue;
      for (let from = offsets[i]!; from < offsets[i + 1]!; from++) left.bytes[length++] = bytes[from]!;
      left.offsets[++key] = length;
    }
    return left;
  }

  #give({ bytes, offsets }: Keys): void {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- keys of this reader are not shared
    this.buffers.give([bytes.buffer, offsets.buffer] as ArrayBuffer[]);
  }

  #textsOf(values: PlainValues, places: ArrayLike<number>, element: SchemaElement): Keys {
    const texts = this.#bytes;
    texts.clear(places.length);
    if (values.kind === "text") {
      texts.pushAll(values, places);
    } else for (let i = 0; i < places.length; i++) this.#push(values, places[i]!, element);
    return texts.keys(this.buffers);
  }

  #cellsOf(
    values: PlainValues,
    from: number,
    count: number,
    element: SchemaElement,
  ): { keys: Keys; gap: number } {
    if (values.kind === "text") {
      const { bytes, bounds, gap } = values;
      const [start, end] = [bounds[from]!, bounds[from + count]!];
      const offsets = this.buffers.someU32(count + 1);
      for (let i = 0; i <= count; i++) offsets[i] = bounds[from + i]! - start;
      const own = this.buffers.someBytes(end - start);
      own.set(bytes.subarray(start, end));
      return { keys: { size: count, bytes: own, offsets }, gap };
    }
    this.#bytes.clear(count);
    for (let i = from; i < from + count; i++) this.#push(values, i, element);
    return { keys: this.#bytes.keys(this.buffers), gap: 0 };
  }

  /** Returns the keys of all rows; the key of a row without a value is empty. */
  #withEmpty(keys: Keys, gap: number, numRows: number, levels: Uint32Array, maxDefinition: number): Keys {
    const { bytes, offsets } = keys;
    const numEmpty = numRows - keys.size;
    const all = {
      size: numRows,
      bytes: this.buffers.someBytes(offsets[keys.size]! + numEmpty * gap),
      offsets: this.buffers.someU32(numRows + 1),
    };
    all.offsets[0] = 0;
    let [value, length] = [0, 0];
    for (let row = 0; row < numRows; row++) {
      // each key begins `gap` bytes after the end of the previous one
      if (levels[row] !== maxDefinition) length += gap;
      else {
        const end = offsets[value + 1]!;
        for (let at = offsets[value++]!; at < end; at++) all.bytes[length++] = bytes[at]!;
      }
      all.offsets[row + 1] = length;
    }
    this.#give(keys);
    return all;
  }

  #push(values: PlainValues, place: number, element: SchemaElement): void {
    const texts = this.#bytes;
    if (values.kind === "integer") {
      const value = integerAt(values, place);
      if (Number.isSafeInteger(value)) texts.pushInteger(value);
      else texts.push(integerText(values, place));
    } else if (values.kind === "number" && isOwnText(values.values[place]!, values.values)) {
      texts.pushInteger(values.values[place]!);
    } else texts.push(textAt(values, place, element, this.#column));
  }
}

function nothingNew(): NewValues {
  return { fresh: new Uint32Array(0), keys: noKeys(), texts: [] };
}

/** A growing list of texts as UTF-8 bytes, without a JavaScript string per text; it is converted to keys at the end. */
class TextBytes {
  #bytes = new Uint8Array(1 << 12);
  #offsets = new Uint32Array(1 << 8);
  #size = 0;
  #length = 0;

  /** Removes all texts. @param size maximum number of texts that will be added */
  clear(size: number): void {
    if (this.#offsets.length <= size) this.#offsets = new Uint32Array(size + 1);
    [this.#size, this.#length] = [0, 0];
  }

  push(text: string): void {
    // a UTF-16 unit takes at most 3 bytes
    this.#reserve(3 * text.length);
    const bytes = this.#bytes;
    let length = this.#length;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) {
        const written = Buffer.from(text, "utf8");
        bytes.set(written, this.#length);
        length = this.#length + written.length;
        break;
      }
      bytes[length++] = unit;
    }
    this.#end(length);
  }

  /** Adds the digits of a safe integer as a text. */
  pushInteger(value: number): void {
    this.#reserve(17);
    let length = this.#length;
    if (value < 0) {
      this.#bytes[length++] = 0x2d;
      value = -value;
    }
    // numbers are written in two parts below 1e9, because 32-bit arithmetic is several times faster
    const high = value < 1e9 ? 0 : Math.floor(value / 1e9);
    if (high > 0) {
      length = this.#digits(high, length, digitsOf(high));
      length = this.#digits(value - high * 1e9, length, 9);
    } else length = this.#digits(value, length, digitsOf(value));
    this.#end(length);
  }

  pushAll({ bytes: source, bounds, gap }: PlainValues & { kind: "text" }, places: ArrayLike<number>): void {
    let size = 0;
    for (let i = 0; i < places.length; i++) size += bounds[places[i]! + 1]! - bounds[places[i]!]! - gap;
    this.#reserve(size);
    const [bytes, offsets] = [this.#bytes, this.#offsets];
    let length = this.#length;
    for (let i = 0; i < places.length; i++) {
      const end = bounds[places[i]! + 1]!;
      for (let at = bounds[places[i]!]! + gap; at < end; at++) bytes[length++] = source[at]!;
      offsets[++this.#size] = length;
    }
    this.#length = length;
  }

  keys(buffers: RangeBuffers): Keys {
    const size = this.#size;
    const keys = { size, bytes: buffers.someBytes(this.#length), offsets: buffers.someU32(size + 1) };
    keys.bytes.set(this.#bytes.subarray(0, this.#length));
    keys.offsets.set(this.#offsets.subarray(0, size + 1));
    return keys;
  }

  /** Writes the digits of an integer below 2^31. @returns the offset after its last digit */
  #digits(value: number, at: number, count: number): number {
    const bytes = this.#bytes;
    let rest = value | 0;
    for (let i = at + count - 1; i >= at; i--) {
      const tenth = (rest / 10) | 0;
      bytes[i] = 0x30 + rest - 10 * tenth;
      rest = tenth;
    }
    return at + count;
  }

  #end(length: number): void {
    this.#length = length;
    this.#offsets[++this.#size] = length;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#length + more));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** Returns the number of digits of a whole number that has at most ten. */
function digitsOf(value: number): number {
  let digits = 1;
  for (let power = 10; digits < 10 && value >= power; power *= 10) digits++;
  return digits;
}

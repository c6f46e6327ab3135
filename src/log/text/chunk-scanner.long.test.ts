import * as fc from "fast-check";
import * as reference from "../../compute/kernels/scan/scan.reference.js";
import { ChunkScanner, type ScanSetup } from "./chunk-scanner.js";
import type { ScanLayout } from "../file-columns.js";
import { KeyTable } from "../key-table.js";
import { parseNumber } from "../number.js";
import { loadKernel } from "../../compute/kernels/shared/load.js";
import { ScanMemory } from "../scanner.js";

const module = await loadKernel("scan");
const seed = { seed: 20260 };

function setupOf(numColumns: number, as: "key" | "number", comment?: string): ScanSetup {
  const requests = Array.from({ length: numColumns }, () => ({ as }));
  return { dialect: { delimiter: ",", comment, maxCell: 1 << 20 }, requests };
}

/** Returns the layout of a file that has the requested columns in the requested order. */
function layoutOf(numColumns: number): ScanLayout {
  const cells = Array.from({ length: numColumns }, (_, column) => column);
  return { numColumns, cells, constants: cells.map(() => "") };
}

/** Generates the given text or an empty one: a part of a number that may be absent. */
function part(text: fc.Arbitrary<string>) {
  return fc.oneof(fc.constant(""), text);
}

describe("the scan kernel", () => {
  // the alphabet is small, so that blank lines, comments, ragged rows and equal keys of all lengths are frequent
  const cell = fc.string({ unit: fc.constantFrom("a", "b", "é", "👍", "\r", "\0", " ", "#"), maxLength: 20 });
  const line = fc.oneof(
    { weight: 3, arbitrary: fc.tuple(cell, cell).map((cells) => cells.join(",")) },
    fc.array(cell, { maxLength: 4 }).map((cells) => cells.join(",")),
  );
  const lines = fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n")), { maxLength: 40 });

  test("finds and interns the cells that its reference does", () => {
    fc.assert(
      fc.property(lines, fc.constantFrom("", "#", "##"), (lines, comment) => {
        const text = lines.flat().join("");
        const scanner = new ChunkScanner(setupOf(2, "key", comment || undefined), new ScanMemory(module));
        const scan = scanner.scan(Buffer.from(text), [], layoutOf(2));

        const { rows, numLines, ragged } = reference.indexRows(text, ",", 2, comment);
        const codes = [0, 1].map((c) =>
          reference.internCells(
            new Map(),
            rows.map((row) => row[c]!),
          ),
        );
        expect(scan.columns.map((column) => Array.from(column))).toEqual(codes);
        expect([scan.numRows, scan.numLines, scan.faults.ragged]).toEqual([
          rows.length,
          numLines,
          ragged.length,
        ]);
        expect(scan.fault && { line: scan.fault.line, numCells: scan.fault.numCells }).toEqual(ragged[0]);
      }),
      { ...seed, numRuns: 1000 },
    );
  });

  test("gives the line of each bad number", () => {
    fc.assert(
      fc.property(lines, (lines) => {
        const text = lines.flat().join("");
        const scan = new ChunkScanner(setupOf(2, "number"), new ScanMemory(module)).scan(
          Buffer.from(text),
          [],
          layoutOf(2),
        );
        const { rows, lines: rowLines } = reference.indexRows(text, ",", 2, "");
        const bad = rows.flatMap((row, r) =>
          row.flatMap((text, request) =>
            parseNumber(text) === undefined ? [{ row: r, request, line: rowLines[r]!, text }] : [],
          ),
        );
        expect(scan.badCells).toEqual(bad);
      }),
      { ...seed, numRuns: 300 },
    );
  });

  test("parses every number that it accepts to the bits of Number(text)", () => {
    const digits = fc.string({ unit: fc.constantFrom(..."0123456789".split("")), maxLength: 22 });
    const sign = fc.constantFrom("", "-", "+");
    const decimal = fc
      .tuple(
        sign,
        digits,
        part(digits.map((d) => `.${d}`)),
        part(fc.tuple(sign, fc.nat(400)).map(([s, e]) => `e${s}${e}`)),
      )
      .map((parts) => parts.join(""));
    const double = fc.double({ noNaN: true, noDefaultInfinity: true }).map(String);
    const money = fc.integer({ min: -1e7, max: 1e7 }).map((cents) => String(cents / 100));
    const noise = fc.string({ unit: fc.constantFrom(..."0123.-+eE_xX Ifn".split("")), maxLength: 6 });
    // draws numbers that the kernel parses in one step, with the ASCII characters before and after the digits
    const short = fc
      .tuple(
        sign,
        fc.string({
          unit: fc.constantFrom(..."0123456789012345678901234567890123456789.../:".split("")),
          maxLength: 9,
        }),
      )
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(decimal, double, money, noise, short), { minLength: 1, maxLength: 30 }),
        (cells) => {
          const scanner = new ChunkScanner(setupOf(2, "number"), new ScanMemory(module));
          const scan = scanner.scan(
            Buffer.from(cells.map((text) => `${text},1\n`).join("")),
            [],
            layoutOf(2),
          );
          const expected = cells.map((text) => reference.parseCell(text.trim()));
          const finite = expected.map((value) =>
            value === undefined || Math.abs(value) === Infinity ? NaN : value,
          );
          expect(Array.from(scan.columns[0]!)).toEqual(finite);
          const bad = cells.filter((_, i) => expected[i] === undefined || Math.abs(expected[i]) === Infinity);
          expect(scan.badCells.map(({ text }) => text)).toEqual(bad);
        },
      ),
      { ...seed, numRuns: 2000 },
    );
  });
});

describe("KeyTable", () => {
  test("keeps its codes while it grows through 200,000 keys of all lengths", () => {
    const table = new KeyTable(new ScanMemory(module));
    const keys = Array.from({ length: 200_000 }, (_, i) => `${i}`.padStart((i % 40) + 1, "k"));
    const distinct = [...new Set(keys)];
    for (let at = 0; at < keys.length; at += 5000) {
      const bytes = keys.slice(at, at + 5000).map((key) => Buffer.from(key));
      const offsets = new Uint32Array(bytes.length + 1);
      bytes.forEach((key, i) => (offsets[i + 1] = offsets[i]! + key.length));
      table.codesOf({ size: bytes.length, bytes: Buffer.concat(bytes), offsets });
    }
    expect(table.size).toBe(distinct.length);
    const order = distinct.findIndex((key, code) => table.keyOf(code) !== key);
    expect(order).toBe(-1);
  });

  test("tells keys apart that differ in one byte anywhere, or in length by zero bytes", () => {
    const table = new KeyTable(new ScanMemory(module));
    const keys: string[] = [];
    for (let length = 1; length <= 33; length++) {
      for (let at = 0; at < length; at++) keys.push(`${"\0".repeat(at)}x${"\0".repeat(length - at - 1)}`);
      keys.push("\0".repeat(length));
    }
    const bytes = keys.map((key) => Buffer.from(key));
    const offsets = new Uint32Array(keys.length + 1);
    bytes.forEach((key, i) => (offsets[i + 1] = offsets[i]! + key.length));
    const dictionary = { size: keys.length, bytes: Buffer.concat(bytes), offsets };
    expect(Array.from(table.codesOf(dictionary))).toEqual(keys.map((_, code) => code));
    expect(Array.from(table.codesOf(dictionary))).toEqual(keys.map((_, code) => code));
  });
});

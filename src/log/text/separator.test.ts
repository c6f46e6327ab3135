// Tests that a delimiter of several characters is read like a single byte, for any chunk size.

import { DataError } from "../../base/errors.js";
import { checkedDelimiter, unescapedDelimiter } from "./separator.js";
import { logFiles, rowsOf } from "../../testing/log-rows.js";

const { file } = logFiles();

test.each(["::", "||", "\u00a6", "<>"])(
  "cells with %s between them are those with a comma",
  async (delimiter) => {
    const cells = [
      ["user", "item", "title"],
      ["1", "10", "Toy Story (1995)"],
      ["2", "", "a:b|c<d"],
      ["3", "30", `"x${delimiter}y"`],
    ];
    const text = cells.map((row) => `${row.join(delimiter)}\n`).join("");
    for (const chunkBytes of [1, 2, 3, 5, 1 << 20]) {
      const {
        columns,
        rows,
        delimiter: found,
      } = await rowsOf(
        file("several.dat", text),
        { delimiter },
        { sizes: { chunkBytes, localBytes: 1 << 30 } },
      );
      expect([columns, found]).toEqual([["user", "item", "title"], delimiter]);
      expect(rows).toEqual([
        ["1", "10", "Toy Story (1995)"],
        ["2", null, "a:b|c<d"],
        ["3", "30", `x${delimiter}y`],
      ]);
    }
  },
);

test("a delimiter is found from the left, and a part of one is text", async () => {
  const { rows } = await rowsOf(file("left.dat", "a::b\n1:::2\n3::4:\n"), { delimiter: "::" });
  expect(rows).toEqual([
    ["1", ":2"],
    ["3", "4:"],
  ]);
});

test("rows of another delimiter are told as they stand in the file", async () => {
  const path = file("mixed.dat", "a::b\n1::2\n3,4\n5::6::7\n");
  await expect(rowsOf(path, { delimiter: "::" })).rejects.toThrow(
    `${path}:3: expected 2 columns, got 1: "3,4"`,
  );
  const { skipped, rows } = await rowsOf(path, { delimiter: "::", onBadRow: "skip" });
  expect([rows, skipped]).toEqual([[["1", "2"]], { "wrong number of cells": 2 }]);
  await expect(rowsOf(file("long.dat", "a::b\n5::6::7\n"), { delimiter: "::" })).rejects.toThrow(
    `got 3: "5::6::7"`,
  );
});

test("the byte that stands in for it may not be in the file", async () => {
  const path = file("unit.dat", "a::b\n1::2\nx\x1f::3\n");
  await expect(rowsOf(path, { delimiter: "::" })).rejects.toBeInstanceOf(DataError);
  await expect(rowsOf(path, { delimiter: "::" })).rejects.toThrow(
    `${path}:3: the file contains the character U+001F`,
  );
});

test("cells with :: between them are no log of one column", async () => {
  await expect(rowsOf(file("ml.dat", "1::2::3\n4::5::6\n"))).rejects.toThrow("--delimiter '::'");
  expect((await rowsOf(file("ml.dat", "1::2::3\n4::5::6\n"), { delimiter: "," })).rows).toEqual([
    ["4::5::6"],
  ]);
});

test("characters that a shell does not type may be written out", () => {
  expect(["\\t", "\\x01", "\\u0001", "::", "\\"].map(unescapedDelimiter)).toEqual([
    "\t",
    "\u0001",
    "\u0001",
    "::",
    "\\",
  ]);
  expect(checkedDelimiter("\\x01")).toEqual({ delimiter: "\u0001" });
});

test("names of columns make a log without a header, and their number is checked", async () => {
  const path = file("names.dat", "1::2\n3::4\n");
  const columns = ["user", "item"];
  const named = await rowsOf(path, { delimiter: "::", header: false, columns });
  expect([named.columns, named.rows]).toEqual([
    columns,
    [
      ["1", "2"],
      ["3", "4"],
    ],
  ]);
  // a first line that equals the names of --columns is a header, not a row
  const headed = await rowsOf(file("headed.csv", "user,item\n1,2\n"), { header: false, columns });
  expect([headed.rows, headed.repeatedHeaders]).toEqual([[["1", "2"]], 1]);
  await expect(rowsOf(path, { header: false, columns })).rejects.toThrow(
    "--columns names 2 columns, but the first row has 1 cell: set the delimiter with --delimiter",
  );
});

// Text is made safe to print, whatever names it contains (errors.ts).

import * as fc from "fast-check";
import { DataError, printable, visibleText } from "../base/errors.js";

test("what steers a terminal or reorders text is shown as an escape; letters, line ends and tabs stay", () => {
  expect(visibleText("a\u001b[31mb\u009b0m\rc\u007f")).toBe("a\\u001b[31mb\\u009b0m\\u000dc\\u007f");
  expect(visibleText("\u202eabc\u2066\u200f\u061c\u2028")).toBe("\\u202eabc\\u2066\\u200f\\u061c\\u2028");
  const harmless = "été 日本 😀 שלום \u200d a\tb\nc";
  expect(visibleText(harmless)).toBe(harmless);
});

test("on one line, line ends are spaces", () => {
  expect(printable("a\r\nb\tc\u001b[2Kd")).toBe("a b c\\u001b[2Kd");
});

test("JSON whose text is made visible is the same JSON", () => {
  const character = fc.constantFrom(
    "a",
    '"',
    "\\",
    "\n",
    "\u001b",
    "\u0085",
    "\u007f",
    "\u2028",
    "\u202e",
    "é",
  );
  const json = fc.dictionary(fc.string({ unit: character }), fc.string({ unit: character }));
  fc.assert(
    fc.property(json, (value) => {
      const text = visibleText(JSON.stringify(value));
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(text).not.toMatch(/[\u007f-\u009f\u2028-\u202e]/);
    }),
    { seed: 1 },
  );
});

test("an error's message holds no escape sequence of a name in it", () => {
  const error = new DataError("expected a number", {
    file: "l\u001b[2Jog.csv",
    line: 2,
    column: "p\u202erice",
  });
  expect(error.message).toBe("l\\u001b[2Jog.csv:2: column 'p\\u202erice': expected a number");
  expect(error.place!.file).toBe("l\u001b[2Jog.csv");
});

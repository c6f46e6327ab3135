import * as fc from "fast-check";
import { linesLike } from "./header-lines.js";

const found = (text: string, line: string) => {
  const bytes = Buffer.from(text);
  return linesLike(bytes, Buffer.from(line)).map(({ start, end }) => bytes.subarray(start, end).toString());
};

test("whole lines alone are found, with either line end and a byte-order mark", () => {
  const text = "a,b\nxa,b\na,bx\na,b\r\n\ufeffa,b\n1,a,b\na,b\n";
  expect(found(text, "a,b")).toEqual(["a,b\n", "a,b\r\n", "\ufeffa,b\n", "a,b\n"]);
  expect(found("", "a,b")).toEqual([]);
});

test("they are those that a look at every line finds, of headers shorter and longer than what is sought", () => {
  const line = fc.string({ unit: fc.constantFrom("a", "b", ","), minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), line, fc.constantFrom(1, 40), (lines, header, times) => {
      const text = lines.map((each) => `${each.repeat(times)}\n`).join("");
      const sought = header.repeat(times);
      expect(found(text, sought)).toEqual(
        lines.filter((each) => each.repeat(times) === sought).map(() => `${sought}\n`),
      );
    }),
    { seed: 7, numRuns: 500 },
  );
});

import { countedOut } from "../../options/table.js";

test("ranges are counted out, with their zeros and with what follows a colon", () => {
  const names = ["label", "i1..i3", "c08..c11", "x1..x2:log1p", "a..b", "v1.2"];
  expect(countedOut(names, "--columns")).toEqual([
    ..."label i1 i2 i3 c08 c09 c10 c11 x1:log1p x2:log1p a..b v1.2".split(" "),
  ]);
});

test.each(["i3..i1", "i1..i99999999"])("%s is no range", (name) => {
  expect(() => countedOut([name], "--columns")).toThrow(
    `--columns expects a range from a lower number to a higher one, such as i1..i13, got '${name}'`,
  );
});

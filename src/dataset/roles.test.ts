import { parseDrop } from "./filters/where.js";
import { resolveRoles, type ColumnOptions } from "./roles.js";

const nothing: ColumnOptions = { numeric: [], multi: {}, ignore: [], infer: true, unlabelled: false };
const columns = ["user_id", "item_id", "price", "genres", "click", "ts"];
const sample = [
  ["u1", "i1", "1.5", "a|b", "1", "1365029107"],
  ["u2", "i2", "2.5", "a", "0", "1365029108"],
];

describe("roles", () => {
  test("that nobody names are inferred, and each inference is a sentence", () => {
    const { roles, inferred } = resolveRoles(columns, sample, nothing);
    expect(roles).toMatchObject({
      user: "user_id",
      item: "item_id",
      label: "click",
      time: "ts",
      numeric: ["price"],
    });
    expect(roles.fields).toEqual(["user_id", "item_id", "genres"]);
    expect(inferred.join("\n")).toMatch(/label is 'click'/);
  });

  test("named by flag win; --fields is the full list and leaves user's and item's roles alone", () => {
    const { roles } = resolveRoles(columns, sample, {
      ...nothing,
      fields: ["genres", "user_id"],
      label: "price",
    });
    expect(roles).toMatchObject({ user: "user_id", item: "item_id", label: "price", numeric: [] });
    expect(roles.fields).toEqual(["user_id", "genres"]);
  });

  test("of several values and ignored columns are no plain fields", () => {
    const { roles } = resolveRoles(columns, sample, {
      ...nothing,
      multi: { genres: "|" },
      ignore: ["price", "ts"],
    });
    expect(roles.fields).toEqual(["user_id", "item_id"]);
    expect([roles.numeric, roles.time]).toEqual([[], undefined]);
  });

  describe("of a log whose rows are to be events, with a column that looks like a label,", () => {
    const events = { ...nothing, unlabelled: true };

    test("are a UsageError that names what keeps the events", () => {
      expect(() => resolveRoles(columns, sample, events)).toThrow(
        /'click' looks like a label.*--positive-from 1 .*--where 'click = 1' --ignore click.*--ignore click alone/,
      );
      expect(() => resolveRoles(columns, sample, { ...events, label: "click" })).toThrow(
        /--positive-from 1 /,
      );
    });

    test("propose the labels above the mean of ratings, and the log's own word for true", () => {
      const rated = ["1", "5", "3", "4", "4"].map((cell) => ["u", "i", cell]);
      const names = ["user_id", "item_id", "rating"];
      expect(() => resolveRoles(names, rated, events)).toThrow(/--where 'rating >= 4' --ignore rating/);
      const said = ["False", "True"].map((cell) => ["u", "i", cell]);
      expect(() => resolveRoles(names, said, events)).toThrow(/--where 'rating = "True"' --ignore rating/);
    });

    test("hold it as the choice of events under --positive-from, and none where it is ignored", () => {
      const { roles } = resolveRoles(columns, sample, { ...events, positiveFrom: 1 });
      expect(roles.positives).toEqual({ label: "click", from: 1 });
      expect(roles.fields).not.toContain("click");
      const ignored = resolveRoles(columns, sample, { ...events, ignore: ["click"] }).roles;
      expect([ignored.label, ignored.positives]).toEqual([undefined, undefined]);
    });

    test("are a UsageError under --positive-from where no column is a label", () => {
      const given = { ...events, ignore: ["click"], positiveFrom: 1 };
      expect(() => resolveRoles(columns, sample, given)).toThrow(
        /needs a label column: name it with --label, or omit --positive-from/,
      );
    });
  });

  test.each([
    ["1,234.56", /--thousands ',' with --numeric text to read '1,234.56' as a number/],
    ["1.234,56", /--decimal ',' --thousands '.' with --numeric text to read '1.234,56'/],
    ["12 %", /'text' looks numeric but is read as keys: write '12 %' as 12 and use --numeric text/],
    ["31/12/2024 8:30", /--time text --time-format '%d\/%m\/%Y %H:%M'$/],
  ])("of text such as %s come with what reads it", (cell, expected) => {
    const { warnings } = resolveRoles(["user_id", "text"], [["u1", cell]], nothing);
    expect(warnings).toEqual([expect.stringMatching(expected)]);
  });

  test("of times in several formats, and of two columns of times, come with a warning", () => {
    const mixed = resolveRoles(
      ["user_id", "text"],
      [
        ["u1", "31/12/2024"],
        ["u2", "2024-12-31"],
      ],
      nothing,
    );
    expect(mixed.warnings).toEqual([expect.stringMatching(/'text' has times in several formats/)]);
    const two = resolveRoles(
      ["user_id", "ordered_at", "shipped_at"],
      [["u1", "2024-12-31", "2024-12-31"]],
      nothing,
    );
    expect(two.warnings).toEqual([expect.stringMatching(/'ordered_at' and 'shipped_at' look like times/)]);
  });

  test("that name a column which no input has are a UsageError with the nearest name", () => {
    expect(() => resolveRoles(columns, sample, { ...nothing, item: "itemid" })).toThrow(
      /--item .*'itemid'.*'item_id'/,
    );
  });
});

describe("--drop", () => {
  test.each([
    ["InvoiceNo^=C", "C536379", true],
    ["InvoiceNo^=C", "536379", false],
    ["name$=.csv", "a.csv", true],
    ["name*=b=c", "ab=cd", true],
    ["country!=UK", "France", true],
    ["country=", "", true],
  ])("%s of %j is %s", (source, cell, dropped) => {
    expect(parseDrop(source).tests[0]!.holds(cell)).toBe(dropped);
  });

  test("without an operator is a UsageError that shows one", () => {
    expect(() => parseDrop("InvoiceNo")).toThrow(/InvoiceNo\^=C/);
  });
});

import { parseDrop } from "./filter.js";
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

  test("of an unlabelled log hold no label, and its column is no feature either", () => {
    const { roles } = resolveRoles(columns, sample, { ...nothing, unlabelled: true });
    expect(roles.label).toBeUndefined();
    expect(roles.fields).not.toContain("click");
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
    expect(parseDrop(source).matches(cell)).toBe(dropped);
  });

  test("without an operator is a UsageError that shows one", () => {
    expect(() => parseDrop("InvoiceNo")).toThrow(/InvoiceNo\^=C/);
  });
});

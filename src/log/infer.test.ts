import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inferRoles } from "./infer.js";
import { defaultReadOptions } from "./log.js";
import { openLog } from "./open.js";

/** Infers roles of columns in which all cells have the same text. */
function rolesOf(cells: Record<string, string>) {
  return inferRoles(Object.keys(cells), [Object.values(cells)]).roles;
}

describe("inferRoles", () => {
  test.each([
    "user_id",
    "userId",
    "USER ID",
    "User-Id",
    "uid",
    "CustomerID",
    "customer_id",
    "visitorid",
    "member",
  ])("takes %s for the user", (name) => expect(rolesOf({ [name]: "u1" }).user).toBe(name));

  test.each(["item_id", "movieId", "product id", "StockCode", "sku", "ARTICLE", "asin", "book_id", "song"])(
    "takes %s for the item",
    (name) => expect(rolesOf({ [name]: "i1" }).item).toBe(name),
  );

  test("takes an ad for the item only when there is no other", () => {
    expect(rolesOf({ ad_id: "1", item_id: "2" }).item).toBe("item_id");
    expect(rolesOf({ ad_id: "1", other: "2" }).item).toBe("ad_id");
  });

  test("prefers a better name to an earlier column, and the earlier of two equal names", () => {
    expect(rolesOf({ user: "a", user_id: "b" }).user).toBe("user_id");
    expect(rolesOf({ "user id": "a", user_id: "b" }).user).toBe("user id");
  });

  test("takes no label that is not a number and no time that does not parse", () => {
    expect(rolesOf({ label: "maybe", time: "noon" })).toEqual({});
    expect(rolesOf({ label: "0.5", time: "2010-12-01 08:26" })).toEqual({ label: "label", time: "time" });
  });

  test.each(["True", "false", "t", "no", "Y"])("takes a label whose cells are %s", (cell) => {
    expect(rolesOf({ clicked: cell, other: cell })).toEqual({ label: "clicked" });
  });

  test.each([
    ["purchased_at", "2024-03-04T00:06:36Z"],
    ["orderTime", "1709510547"],
    ["moment", "2024-03-04 00:06"],
  ])("takes %s for the time when no better known name is there", (name, cell) => {
    expect(rolesOf({ user_id: "u", [name]: cell }).time).toBe(name);
    expect(rolesOf({ [name]: cell, timestamp: "1709510547" }).time).toBe("timestamp");
  });

  test("takes no time that is of the user or the item, and of two others none", () => {
    const day = "2024-03-04";
    expect(rolesOf({ birth_date: day, released_on: day, updatedAt: day }).time).toBeUndefined();
    const { roles, times } = inferRoles(["ordered_at", "shipped_at"], [[day, day]]);
    expect([roles.time, times]).toEqual([undefined, ["ordered_at", "shipped_at"]]);
  });

  test("gives no role to a side table's column", () => {
    const { roles } = inferRoles(["item_id", "rating", "date"], [["i", "4", "2024-03-04"]], undefined, 1);
    expect(roles).toEqual({ item: "item_id" });
  });

  test("takes small numbers named day or time for keys, not for times", () => {
    expect(rolesOf({ day: "3", time: "12" })).toEqual({});
    expect(rolesOf({ ts: "1365029107000" })).toEqual({ time: "ts" });
  });

  test("takes no negative weight", () => {
    expect(rolesOf({ weight: "-1" })).toEqual({});
    expect(rolesOf({ sample_weight: "2" })).toEqual({ weight: "sample_weight" });
  });

  test("calls a column without a role numeric when its sample holds decimals, and keeps integers as keys", () => {
    const { numeric, types } = inferRoles(
      ["price", "age", "zip", "rating", "none"],
      [
        ["2.5", "39", "01234", "4.5", ""],
        ["", "17.0", "x", "3", " "],
      ],
    );
    expect(numeric).toEqual(["price"]);
    expect(types).toEqual({ price: "number", age: "integer", zip: "key", rating: "number", none: "empty" });
  });

  test("says why", () => {
    expect(inferRoles(["click", "x"], [["1", "0.5"]]).why).toEqual({
      click: "label: by its name, its first rows are numbers",
      x: "numeric: its first rows hold decimals",
    });
  });

  test("treats a column called __proto__ like any other", () => {
    const { types, numeric } = inferRoles(["__proto__", "constructor"], [["1.5", "a"]]);
    expect(Object.entries(types)).toEqual([
      ["__proto__", "number"],
      ["constructor", "key"],
    ]);
    expect(numeric).toEqual(["__proto__"]);
  });
});

const data = fileURLToPath(new URL("../../../shared/data", import.meta.url).href);
if (!existsSync(data)) process.stderr.write(`skipped: roles of real logs, as there is no ${data}\n`);

(existsSync(data) ? describe : describe.skip)("inferRoles on real logs", () => {
  test.each([
    [
      "online-retail/online_retail_2009_2010.csv.gz",
      { user: "CustomerID", item: "StockCode", time: "InvoiceDate", session: "InvoiceNo" },
      ["UnitPrice"],
    ],
    [
      "movietweetings/ratings.csv",
      { user: "user_id", item: "movie_id", label: "rating", time: "timestamp" },
      [],
    ],
    ["movietweetings/movies.csv", { item: "movie_id" }, []],
    ["adult/train.csv", { label: "income" }, []],
    ["gowalla/train.csv", { user: "user", item: "item" }, []],
    ["graphs/cora-labels.csv", { label: "label" }, []],
  ])("%s", async (path, roles, numeric) => {
    const log = await openLog([join(data, path)], defaultReadOptions);
    const inferred = inferRoles(log.columns, log.sample);
    await log.close();
    expect(inferred.roles).toEqual(roles);
    expect(inferred.numeric).toEqual(numeric);
  });
});

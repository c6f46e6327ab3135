import { brokenDays, shop } from "./shop.js";
import { csvRows } from "./lines.js";

const rowsOf = (csv: string) => csvRows(csv);
const mean = (numbers: number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;

describe("the shop", () => {
  const { days, catalogue, groupOf, itemsOn } = shop({ bots: 1 });

  test("has five days of impressions in order of time", () => {
    expect(days.map(({ date }) => date)).toEqual([
      "2024-03-04",
      "2024-03-05",
      "2024-03-06",
      "2024-03-07",
      "2024-03-08",
    ]);
    const times = days.flatMap(({ impressions }) => rowsOf(impressions).map((cells) => Number(cells[4])));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times).toHaveLength(5 * (2400 + 1500));
  });

  test("clicks follow the planted groups, and without preferences they do not", () => {
    const rates = (clicks: string[][]) =>
      [true, false].map((same) =>
        mean(
          clicks
            .filter(([, user, item]) => (groupOf(user!) === groupOf(item!)) === same && groupOf(user!))
            .map(([click]) => Number(click)),
        ),
      );
    const [same, other] = rates(days.flatMap(({ impressions }) => rowsOf(impressions)));
    expect(same).toBeGreaterThan(0.5);
    expect(other).toBeLessThan(0.1);
    const [flatSame, flatOther] = rates(
      shop({ preferences: false }).days.flatMap(({ impressions }) => rowsOf(impressions)),
    );
    expect(Math.abs(flatSame! - flatOther!)).toBeLessThan(0.02);
  });

  test("sells new items from the day on which they are added", () => {
    const added = new Set(itemsOn(3).filter((key) => !itemsOn(2).includes(key)));
    expect(added.size).toBe(2);
    const shown = (day: number) =>
      rowsOf(days[day]!.impressions).filter(([, , item]) => added.has(item!)).length;
    expect(shown(2)).toBe(0);
    expect(shown(3)).toBeGreaterThan(0);
  });

  test("names each item's group in the catalogue, but for about one cell in twenty", () => {
    const rows = rowsOf(catalogue);
    expect(rows).toHaveLength(itemsOn(4).length);
    const missing = rows.filter(([, category]) => ["", "NA", "null"].includes(category!));
    expect(missing.length).toBeGreaterThan(0);
    expect(missing.length).toBeLessThan(rows.length / 8);
    expect(
      rows.every(([key, category]) => missing.some((row) => row[0] === key) || category === groupOf(key!)),
    ).toBe(true);
  });

  test("gives the same first days whatever the number of days", () => {
    expect(shop({ bots: 1, days: 2 }).days).toEqual(days.slice(0, 2));
  });

  test("breaks days as they break in practice", () => {
    const day = shop().days[0]!.impressions;
    const itemIds = (csv: string) => new Set(rowsOf(csv).map((cells) => cells[2]!));
    expect(mean(rowsOf(brokenDays.zeroLabels(day)).map(([click]) => Number(click)))).toBe(0);
    expect(rowsOf(brokenDays.quarter(day))).toHaveLength(600);
    expect(itemIds(brokenDays.exponentIds(day))).toEqual(new Set(["7.698748E+18"]));
    const rounded = itemIds(brokenDays.roundedIds(day));
    expect([...rounded].filter((key) => itemIds(day).has(key)).length).toBeLessThan(rounded.size / 4);
    expect(rounded.size).toBe(itemIds(day).size);
  });
});

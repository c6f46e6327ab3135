// A weekly pipeline keeps the semantic ids of its items: those of last week do not change, and new items get codes of the
// same codebooks.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();

test("an item of next week gets its id by the codebooks of this week", async () => {
  const at = join(folder, "shop");
  mkdirSync(at);
  const log = readFileSync(fixture("clicks.csv"), "utf8");
  const [header, ...rows] = log.trimEnd().split("\n");
  const week = async (lines: string[]) => {
    writeFileSync(join(at, "log.csv"), `${[header, ...lines].join("\n")}\n`);
    await embedOk(["run", "shop.yaml", "--quiet"], { cwd: at });
    const text = readFileSync(join(at, "store/items/latest/exports/ids.csv"), "utf8");
    return new Map(
      text
        .trim()
        .split("\n")
        .slice(1)
        .map((line) => line.split(/,(.*)/).slice(0, 2) as [string, string]),
    );
  };
  writeFileSync(
    join(at, "shop.yaml"),
    `
store: store
log: log.csv
train:
  items: { command: train-fm, dim: 4, epochs: 3, init: latest }
export:
  - { format: csv, field: item, codes: 8, levels: 2, books: latest, out: ids.csv }
`,
  );
  const before = await week(rows.slice(0, 3000));
  const [known] = before.keys();
  const news = rows.slice(0, 60).map((row) => row.replace(/tea-\d+/, "brand-new-item"));
  const after = await week([...rows.slice(0, 3000), ...news]);
  expect(after.get(known!)).toBe(before.get(known!));
  for (const [key, id] of before) expect(after.get(key) ?? id).toBe(id);
  expect(after.get("brand-new-item")).toMatch(/^[0-7],[0-7],\d+$/);
  expect(new Set(after.values()).size).toBe(after.size);
}, 120_000);

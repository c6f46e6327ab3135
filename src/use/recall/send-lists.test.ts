// Expects that files of recommendation lists are read correctly: to compare two of them, and to send one to a server.

import { createClient } from "@redis/client";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { listChunks } from "../../export/lists.js";
import type { RowFormat } from "../../export/row-formats.js";
import { temporaryFolder } from "../../testing/embed.js";
import { plantedLists, type Planted } from "../../testing/planted-lists.js";
import { startRedis } from "../../testing/servers.js";
import { overlapOfLists } from "./list-files.js";
import { sendListFile } from "./send-lists.js";

const folder = temporaryFolder();
const { signal } = new AbortController();

async function write(name: string, planted: Planted, format: RowFormat, isForItems = false): Promise<string> {
  const columns = isForItems ? { owner: "item", item: "neighbor" } : { owner: "user", item: "item" };
  const chunks: Uint8Array[] = [];
  for await (const chunk of listChunks(format, plantedLists(planted, { columns }))) chunks.push(chunk);
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat(chunks));
  return path;
}

const MONDAY: Planted = { a: ["x", "y", "z"], b: ["x"], "c\nd": ["y", "z"], gone: ["x"] };
const TUESDAY: Planted = { a: ["x", "z", "y"], b: ["y", "x"], "c\nd": ["z"], new: ["x"] };

describe("the overlap of two files of lists", () => {
  const how = { isForItems: false, numLists: 4, signal };

  test.each(["csv", "jsonl", "parquet"] as const)(
    "is of the first k of owners in both, %s",
    async (format) => {
      // writes the earlier file as CSV, whatever the format of the later one
      const [now, before] = [await write("now", TUESDAY, format), await write("before", MONDAY, "csv")];
      const at = (k: number) => overlapOfLists(now, before, { ...how, k });
      expect(await at(1)).toBeCloseTo((1 + 0 + 0) / 3, 12);
      expect(await at(2)).toBeCloseTo((1 / 2 + 1 / 2 + 1 / 2) / 3, 12);
      expect(await at(20)).toBeCloseTo((1 + 1 / 2 + 1 / 2) / 3, 12);
    },
  );

  test("has no value without an owner in both, nor with lists of others", async () => {
    const now = await write("now", TUESDAY, "csv");
    const none = await write("none", { nobody: ["x"] }, "csv");
    expect(await overlapOfLists(now, none, { ...how, k: 5 })).toBeUndefined();
    const similar = await write("similar", MONDAY, "csv", true);
    expect(await overlapOfLists(now, similar, { ...how, k: 5 })).toBe("others");
  });

  test("of very many lists is that of a sample, the same owners on both sides", async () => {
    const owners = Array.from({ length: 3000 }, (_, i) => `u${i}`);
    const half = (i: number): string[] => (i % 2 ? ["x", "y"] : ["x", "z"]);
    const now = await write("now", Object.fromEntries(owners.map((owner) => [owner, ["x", "y"]])), "csv");
    const before = await write(
      "before",
      Object.fromEntries(owners.map((owner, i) => [owner, half(i)])),
      "csv",
    );
    // for a million lists, the overlap is computed from a sample of about one user in ten
    const sampled = (await overlapOfLists(now, before, { ...how, k: 2, numLists: 1_000_000 })) as number;
    expect(sampled).not.toBe(0.75);
    expect(Math.abs(sampled - 0.75)).toBeLessThan(0.05);
  });
});

test("lists that end in another batch of rows than they began in reach the server whole", async () => {
  const server = await startRedis();
  if (!server) return console.warn("skipped: there is no redis-server");
  const client = createClient({ url: server.url });
  try {
    await client.connect();
    const owners = Array.from({ length: 2000 }, (_, i) => `user ${i}`);
    const listOf = (i: number): string[] =>
      Array.from({ length: 41 }, (_, r) => `an item of a name ${(i + r) % 500}`);
    const planted = Object.fromEntries(owners.map((owner, i) => [owner, listOf(i)]));
    const target = { format: "redis", url: server.url, variable: "URL", into: "recs", force: false, signal };
    for (const format of ["csv", "parquet"] as const) {
      const file = await write(`large.${format}`, planted, format);
      await sendListFile("redis", { file, isForItems: false }, { ...target, fingerprint: format });
      const version = await client.get("recs:latest");
      const found = await Promise.all(
        owners.map((owner) => client.lRange(`recs:${version}:${owner}`, 0, -1)),
      );
      expect(found.every((items, i) => items.join() === listOf(i).join())).toBe(true);
    }
    const damaged = join(folder, "damaged.csv");
    writeFileSync(damaged, "user,rank,item,score\nu1,1,a,2\nu1,3,b,1\n");
    const sent = sendListFile(
      "redis",
      { file: damaged, isForItems: false },
      { ...target, fingerprint: "damaged" },
    );
    await expect(sent).rejects.toThrow("line 3: expected consecutive ranks from 1 for each list");
    expect([await client.get("recs:latest"), await client.keys("recs:3:*")]).toEqual(["2", []]);
  } finally {
    client.destroy();
    await server.kill();
  }
});

// Tests that side tables are read correctly.

import { keyAt } from "../log/keys.js";
import { defaultReadOptions } from "../log/log.js";
import { openLog } from "../log/open.js";
import { logFiles } from "../testing/log-rows.js";
import { readSide } from "./side.js";

const { file } = logFiles();

test("a side table of many chunks has every row's cells", async () => {
  const rows = Array.from({ length: 3000 }, (_, i) => [`i${i}`, `c${(i * 7) % 11}`]);
  const path = file("items.csv", `id,color\n${rows.map((row) => row.join(",")).join("\n")}\n`);
  const log = await openLog([path], defaultReadOptions, { chunkBytes: 1000, localBytes: 1 << 30 });
  const { keys, columns } = await readSide(log, path, "item", "id");
  const [color] = columns;
  expect(rows.map((_, i) => [keyAt(keys, i), keyAt(color!.dictionary, color!.codes[i]!)])).toEqual(rows);
});

// A million rows of 17 columns, 66 MB of CSV, to encoded columns in memory: ours beside papaparse with a Map a column,
// in the same run. It isolates reading: no vocabulary is fitted and nothing is written. Before it times, it checks that
// both find the same rows and as many keys.

import { createReadStream } from "node:fs";
import { availableParallelism } from "node:os";
import papaparse from "papaparse";
import { defaultReadOptions } from "../log/log.js";
import { openLog } from "../log/open.js";
import { canGenerate, ctrLog, describeSeconds, median } from "./ctr-logs.js";

const REPEATS = 5;

interface Columns {
  numRows: number;
  numKeys: number;
}

export async function bench(): Promise<void> {
  if (!canGenerate("read")) return;
  const path = `${await ctrLog(1, 1_000_000)}.csv`;
  const [ours, peer] = [await readOurs(path), await readPapaparse(path)];
  if (ours.numRows !== peer.numRows || ours.numKeys !== peer.numKeys)
    throw new Error("columns differ: nothing was timed");
  const seconds: { ours: number[]; peer: number[] } = { ours: [], peer: [] };
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    seconds.ours.push(await timed(() => readOurs(path)));
    seconds.peer.push(await timed(() => readPapaparse(path)));
  }
  const ratio = median(seconds.peer) / median(seconds.ours);
  console.log(`embed                      ${describeSeconds(seconds.ours)}`);
  console.log(`papaparse, a Map a column  ${describeSeconds(seconds.peer)}  ${ratio.toFixed(1)} times ours`);
}

async function timed(read: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await read();
  return (performance.now() - start) / 1000;
}

async function readOurs(path: string): Promise<Columns> {
  const log = await openLog([path], { ...defaultReadOptions, threads: availableParallelism() });
  const requests = log.columns.map((name, c) => ({
    name,
    as: c === 0 ? ("number" as const) : ("key" as const),
  }));
  const { numRows, dictionaries } = await log.read(requests, () => undefined);
  return { numRows, numKeys: dictionaries.reduce((sum, { size }) => sum + size, 0) };
}

/** 256 KB reads, delimiter and line end given: its fastest way. */
function readPapaparse(path: string): Promise<Columns> {
  const maps: Map<string, number>[] = [];
  let numRows = -1;
  return new Promise((resolve, reject) => {
    papaparse.parse<string[]>(createReadStream(path, { encoding: "utf8", highWaterMark: 1 << 18 }), {
      delimiter: ",",
      newline: "\n",
      skipEmptyLines: true,
      chunk({ data }) {
        for (const row of data) {
          if (++numRows === 0) continue;
          for (let c = 1; c < row.length; c++) {
            const map = (maps[c] ??= new Map());
            if (!map.has(row[c]!)) map.set(row[c]!, map.size);
          }
        }
      },
      complete: () => resolve({ numRows, numKeys: maps.reduce((sum, map) => sum + map.size, 0) }),
      error: reject,
    });
  });
}

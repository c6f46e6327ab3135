// Readers of a log of 17 columns to encoded columns in memory: embed, papaparse and hyparquet with a Map per column.

import { parquetReadObjects, type AsyncBuffer } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { parquetWriteFile } from "hyparquet-writer";
import { createReadStream, existsSync } from "node:fs";
import { readFile, rename } from "node:fs/promises";
import papaparse from "papaparse";
import { defaultReadOptions } from "../log/log.js";
import { openLog } from "../log/open.js";

interface Columns {
  numRows: number;
  numKeys: number;
}

/** Writes the rows of a CSV as Parquet with one row group, next to it: the label as a number, other columns as text. */
export async function parquetOf(csvPath: string): Promise<string> {
  const path = csvPath.replace(/csv$/, "parquet");
  if (existsSync(path)) return path;
  const { data } = papaparse.parse<string[]>(await readFile(csvPath, "utf8"), { skipEmptyLines: true });
  const [header, ...rows] = data;
  const columnData = header!.map((name, c) =>
    c === 0
      ? { name, data: rows.map((row) => Number(row[c])), type: "DOUBLE" as const }
      : { name, data: rows.map((row) => row[c]!), type: "STRING" as const },
  );
  parquetWriteFile({ filename: `${path}.partial`, columnData, rowGroupSize: rows.length });
  await rename(`${path}.partial`, path);
  return path;
}

/** Reads column by column, the fastest way of hyparquet. */
export async function readHyparquet(path: string): Promise<Columns> {
  const bytes = await readFile(path);
  const file: AsyncBuffer = {
    byteLength: bytes.length,
    slice: (start, end) => Uint8Array.from(bytes.subarray(start, end)).buffer,
  };
  let [numRows, numKeys] = [0, 0];
  const [first] = await parquetReadObjects({ file, compressors, rowEnd: 1 });
  for (const [c, name] of Object.keys(first!).entries()) {
    const rows = await parquetReadObjects({ file, compressors, columns: [name] });
    numRows = rows.length;
    if (c === 0) continue;
    const map = new Map<unknown, number>();
    for (const row of rows) if (!map.has(row[name])) map.set(row[name], map.size);
    numKeys += map.size;
  }
  return { numRows, numKeys };
}

export async function timed(read: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await read();
  return (performance.now() - start) / 1000;
}

export async function readOurs(path: string, threads: number): Promise<Columns> {
  const log = await openLog([path], { ...defaultReadOptions, threads });
  const requests = log.columns.map((name, c) => ({
    name,
    as: c === 0 ? ("number" as const) : ("key" as const),
  }));
  const { numRows, dictionaries } = await log.read(requests, () => undefined);
  return { numRows, numKeys: dictionaries.reduce((sum, { size }) => sum + size, 0) };
}

/** Reads 256 KB at a time, with given delimiter and line end, the fastest way of papaparse. */
export function readPapaparse(path: string): Promise<Columns> {
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

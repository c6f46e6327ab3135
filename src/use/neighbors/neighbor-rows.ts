// Writes lists of neighbors as rows of a file: one row per neighbor, best first.
//
//   field,key,rank,neighbor,similarity,count
//   field,key,name,rank,neighbor,neighbor_name,similarity,count   with names

import { encodeKeys } from "../../log/keys.js";
import { formatOfFile, type RowFormat } from "../../export/row-formats.js";
import { rowChunks, type RowBatch, type RowColumn } from "../../export/row-table.js";
import { writeFileOr } from "../../base/io/atomic.js";
import type { NeighborsOf } from "./neighbors.js";

export interface NeighborFile {
  /** format of the file; by default that of the extension of `out`, else csv */
  format?: RowFormat;
  /** path of the file; `-` or absent: the rows go to `write` */
  out?: string;
  force: boolean;
  named: boolean;
}

/** Writes lists of neighbors to a file, completely or not at all, or passes them to `write` in chunks. */
export async function writeNeighbors(
  lists: readonly NeighborsOf[],
  { out, force, named, format = formatOfFile(out) }: NeighborFile,
  write: (chunk: Uint8Array) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const chunks = rowChunks(format, neighborColumns(named), neighborBatch(lists, named));
  await writeFileOr(write, out, chunks, { force, signal });
}

function neighborColumns(named: boolean): RowColumn[] {
  const name = (text: string): RowColumn[] => (named ? [{ name: text, type: "key" }] : []);
  return [
    { name: "field", type: "key" },
    { name: "key", type: "key" },
    ...name("name"),
    { name: "rank", type: "count" },
    { name: "neighbor", type: "key" },
    ...name("neighbor_name"),
    { name: "similarity", type: "f64" },
    { name: "count", type: "count" },
  ];
}

async function* neighborBatch(lists: readonly NeighborsOf[], named: boolean): AsyncGenerator<RowBatch> {
  const rows = lists.flatMap((list) =>
    list.neighbors.map((neighbor, i) => ({ list, neighbor, rank: i + 1 })),
  );
  const texts = (textOf: (row: (typeof rows)[number]) => string) => encodeKeys(rows.map(textOf));
  yield await Promise.resolve({
    numRows: rows.length,
    cells: [
      texts(({ list }) => list.field),
      texts(({ list }) => list.key),
      ...(named ? [texts(({ list }) => list.name ?? "")] : []),
      Uint32Array.from(rows, ({ rank }) => rank),
      texts(({ neighbor }) => neighbor.key),
      ...(named ? [texts(({ neighbor }) => neighbor.name ?? "")] : []),
      Float64Array.from(rows, ({ neighbor }) => neighbor.similarity),
      Uint32Array.from(rows, ({ neighbor }) => neighbor.count),
    ],
  });
}

// A file of lists, as embed recall writes it → its rows. csv, jsonl and Parquet are distinguished by the first bytes: under the name that a
// version has for its lists the format may have changed.

import { artifactChunks } from "../../io/read-artifact.js";
import type { InputFormat } from "../../log/form.js";
import { defaultReadOptions, type Log } from "../../log/log.js";
import { openLog } from "../../log/open.js";

/** A file of lists. */
export interface ListFile {
  file: string;
  /** lists for items; else for users */
  isForItems: boolean;
}

/** What the columns of keys are called. */
export function listColumns(isForItems: boolean): { owner: string; item: string } {
  return isForItems ? { owner: "item", item: "neighbor" } : { owner: "user", item: "item" };
}

/** Opens a file of lists as a log: read it, or close it. @throws {DataError} it cannot be read as one */
export async function openLists(file: string): Promise<Log> {
  return await openLog([file], { ...defaultReadOptions, format: await formatOf(file), delimiter: "," });
}

async function formatOf(file: string): Promise<InputFormat> {
  for await (const chunk of artifactChunks(file)) {
    const head = Buffer.from(chunk.subarray(0, 4)).toString("latin1");
    if (head === "PAR1") return "parquet";
    if (head.startsWith("{")) return "jsonl";
    break;
  }
  return "csv";
}

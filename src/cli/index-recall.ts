// What an index finds as people read it: a line a search, a column a length of lists.

import type { Evaluation } from "../api/evaluate/evaluate.js";
import { printable } from "../errors.js";
import { formatTable } from "./terminal.js";

/** The recall of an index beside what it takes. */
export function indexRecallText({ compared, index }: Evaluation): string {
  const lengths = [...new Set(compared.flatMap(({ metrics }) => Object.keys(metrics)))].filter((name) =>
    name.startsWith("indexRecallAt"),
  );
  const lines = compared.map(({ name, metrics }) => [
    name,
    ...lengths.map((recall) => metrics[recall]?.toFixed(4) ?? ""),
    whole(metrics["distancesPerQuery"]!),
    whole(metrics["queriesPerSecond"]!),
  ]);
  const titles = lengths.map((name) => name.replace("indexRecallAt", "recall@"));
  const { field, count, of, rows, metric } = index!;
  const drawn = count < of ? ` of ${whole(of)}, drawn` : "";
  return (
    formatTable([["", ...titles, "distances/query", "queries/s"], ...lines]) +
    `${whole(count)} queries: rows of ${printable(field)}${drawn}; ${whole(rows)} rows by ${metric}; recall ` +
    "is relative to exact search\n"
  );
}

function whole(n: number): string {
  return Math.round(n).toLocaleString("en");
}

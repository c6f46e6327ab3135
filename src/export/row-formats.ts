// The formats that rows of texts and numbers are written in (row-table.ts), and servers that lists go to instead.

export const rowFormats = ["csv", "jsonl", "parquet", "arrow"] as const;
export type RowFormat = (typeof rowFormats)[number];

/** Servers that take lists of items (servers/list-servers.ts), as --format names them. */
export const listServers = ["redis", "postgres"] as const;
export type ListServer = (typeof listServers)[number];

/** Formats by the endings of files. */
const ENDINGS: [RegExp, RowFormat][] = [
  [/\.(jsonl|ndjson|json)$/iu, "jsonl"],
  [/\.(parquet|pq)$/iu, "parquet"],
  [/\.(arrow|feather)$/iu, "arrow"],
];

/** The format that a file's ending says; csv of any other, and of standard output. */
export function formatOfFile(path: string | undefined): RowFormat {
  return ENDINGS.find(([ending]) => path !== undefined && ending.test(path))?.[1] ?? "csv";
}

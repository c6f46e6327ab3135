// The file formats of rows of texts and numbers (row-table.ts), and the servers that accept lists.

export const rowFormats = ["csv", "jsonl", "parquet", "arrow"] as const;
export type RowFormat = (typeof rowFormats)[number];

/** Servers that accept lists of items (servers/list-servers.ts); the names are values of --format. */
export const listServers = ["redis", "postgres"] as const;
export type ListServer = (typeof listServers)[number];

/** The file formats that file extensions denote. */
const ENDINGS: [RegExp, RowFormat][] = [
  [/\.(jsonl|ndjson|json)$/iu, "jsonl"],
  [/\.(parquet|pq)$/iu, "parquet"],
  [/\.(arrow|feather)$/iu, "arrow"],
];

/** Returns the format that a file's extension denotes; csv for any other extension and for standard output. */
export function formatOfFile(path: string | undefined): RowFormat {
  return ENDINGS.find(([ending]) => path !== undefined && ending.test(path))?.[1] ?? "csv";
}

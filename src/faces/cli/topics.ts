// Topics of `embed help`: options and rules that many commands share. Their pages are loaded on demand.

/** All topics, in the order of the help. */
export const topics = [
  { name: "columns", summary: "columns of a log: roles, features, side tables, filters" },
  { name: "reading", summary: "reading logs: formats, encodings, bad rows, event filters" },
  { name: "splits", summary: "holding out rows for validation and test" },
  { name: "weekly", summary: "retraining every week: warm starts, checkpoints, refits, search" },
  { name: "formats", summary: "formats of logs, exported tables, imported tables and lists" },
  { name: "exit-codes", summary: "exit codes of all commands" },
] as const satisfies readonly { name: string; summary: string }[];

export type TopicName = (typeof topics)[number]["name"];

// Topics of `embed help`: what many commands share, each explained once. Their pages load when one is asked for.

/** A page of help that is no command's. */
interface Topic {
  name: string;
  /** one line for the program's help */
  summary: string;
}

/** Every topic, in the order of the help. */
export const topics = [
  { name: "columns", summary: "which column is what: roles, features, side tables, filters" },
  { name: "reading", summary: "how logs are read: formats, encodings, bad rows, which events count" },
  { name: "splits", summary: "how rows are held out for validation and test" },
  { name: "weekly", summary: "training again every week: warm starts, checkpoints, refits, search" },
  { name: "formats", summary: "formats of logs, exported tables, imported tables and lists" },
  { name: "exit-codes", summary: "what a script can tell from how a command ends" },
] as const satisfies readonly Topic[];

export type TopicName = (typeof topics)[number]["name"];

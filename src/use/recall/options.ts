// Options of `embed recall`. Lists are for users or for items; an option for only one kind of lists says so.

import { recallBaselines } from "../../metrics/baselines/baselines.js";
import { listServers, rowFormats } from "../../export/row-formats.js";
import { hashedIds } from "../../training/shared-options/columns.js";
import { badRows, engine, onExecutors, reading } from "../../training/shared-options/reading.js";
import { compose, query, table, threads } from "../../training/shared-options/run-options.js";
import {
  choice,
  flag,
  number,
  pick,
  share,
  text,
  texts,
  whole,
  withCommon,
  type Given,
} from "../../options/table.js";

export const owners = { user: "lists for users (--for user)", item: "lists for items (--for item)" } as const;

const MANY = Number.MAX_SAFE_INTEGER;
const group = "Options:";
const candidates = "Candidates:";
const whose = "Who gets lists:";
const output = "Output:";
const OF_ITEMS = { only: { items: true } } as const;
const OF_USERS = { for: ["user"] } as const;

const ofLists = {
  for: choice(["user", "item"], {
    placeholder: "whom",
    help: "write a list of items for each user, or of nearest items for each item",
    group,
    default: "user",
  }),
  k: whole({ min: 1, max: MANY, help: "length of each list", group, default: 100 }),
  score: choice(["model", "dot", "cosine", "context", ...recallBaselines], {
    placeholder: "how",
    help: "how items are scored: by the model, by vectors, or by a baseline learned from the training events",
    group,
    default: (before: { for: string }) => (before.for === "item" ? "cosine" : "model"),
    shown: "model; with --for item cosine",
  }),
} as const;

const ofCandidates = {
  repeats: choice(["mask", "allow"], {
    help: "items that a user already has: mask excludes them from the list, allow keeps them",
    group: candidates,
    default: "mask",
    ...OF_USERS,
  }),
  mask: texts("log", {
    help: "log of further events whose items are excluded from their users' lists; repeatable",
    group: candidates,
    ...OF_USERS,
  }),
  positiveFrom: number({
    min: -Number.MAX_VALUE,
    max: Number.MAX_VALUE,
    help: "for a log with labels: a user has an item if an event has a label of x or more",
    group: candidates,
  }),
  items: text("file", { help: "table of items: recommend only these items", group: candidates }),
  where: texts("expression", {
    help: "with --items: use only rows that match, such as 'stock > 0'; repeatable",
    group: candidates,
    ...OF_ITEMS,
  }),
  within: text("column", {
    help: "recommend only items that have the same value in this column of --items as the user has in --users",
    group: candidates,
    ...OF_ITEMS,
  }),
  per: text("column=n", {
    help: "recommend at most N items per value of this column of --items, such as category=3",
    group: candidates,
    ...OF_ITEMS,
  }),
  listsPer: text("column", {
    help: "write a list of k items for each value of this column of --items, such as category",
    group: candidates,
    ...OF_ITEMS,
    not: { per: true, candidates: true },
    why: "each list holds items of one value",
  }),
  maxCategories: whole({
    min: 1,
    max: MANY,
    help: "with --lists-per: most values that its column may have",
    group: candidates,
    only: { listsPer: true },
    shown: "1000",
  }),
  newShare: share({
    min: 0,
    max: 1,
    help: "share of new items (from embed transform --append) that every start of a list holds at least, such as 0.1",
    group: candidates,
    not: { per: true, candidates: true, index: true, score: ["context", ...recallBaselines] },
    why: "new items have vectors of content alone, and are ranked beside the others",
  }),
  candidates: text("file", {
    help: "file of user and item pairs: rank only these items for each user",
    group: candidates,
    ...OF_USERS,
    not: { items: true, users: true },
    why: "it says which items and users there are",
  }),
} as const;

const ofOwners = {
  users: text("file", {
    help: "table of users: write lists only for these users",
    group: whose,
    ...OF_USERS,
  }),
  foldIn: texts("log", {
    help:
      "log with events of users unknown to the run: folds them in from these events and writes their " +
      "lists; repeatable",
    group: whose,
    ...OF_USERS,
    not: { users: true },
    why: "lists are written for the users of the folded-in events",
  }),
  query: {
    ...query.query,
    group: whose,
    ...OF_USERS,
    only: { score: ["dot", "cosine", "context", ...recallBaselines] },
    not: { foldIn: true },
    why: "folded-in vectors are the queries",
  },
  queryHalfLife: { ...query.queryHalfLife, group: whose, only: { query: true } },
  index: text("dir", {
    help: "search this index (from embed index) instead of all items: faster but approximate",
    group: whose,
    not: { score: ["context", ...recallBaselines], items: true, candidates: true },
    why: "an index holds vectors of all items, and exact search is faster over few",
  }),
  ef: whole({
    min: 1,
    max: MANY,
    help: "with --index: size of the search candidate list (HNSW ef); larger is slower and more accurate",
    group: whose,
    only: { index: true },
    shown: "128",
  }),
  compose: { ...compose.compose, group: whose, for: ["item"] },
  table: {
    ...table.table,
    help: "with --score dot or cosine: table to use, for a run with several tables",
    group: whose,
    not: { score: recallBaselines },
    why: "a baseline does not use a table",
  },
} as const;

const SERVERS = { only: { format: listServers } } as const;
const ofOutput = {
  format: choice([...rowFormats, ...listServers], {
    placeholder: "format",
    help:
      "output format; redis and postgres write to a server with --url-env, otherwise a file for redis-cli " +
      "--pipe or COPY",
    group: output,
    default: "csv",
    shown: "from the extension of -o, else csv",
  }),
  out: text("path", { help: "file to write; - or no file is stdout", group: output }),
  urlEnv: text("variable", {
    help:
      "with --format redis or postgres: write to a server; the name of the environment variable that holds " +
      "its URL",
    group: output,
    ...SERVERS,
    not: { out: true },
  }),
  into: text("name", {
    help: "with --url-env: prefix of the Redis keys, or name of the Postgres table",
    group: output,
    ...SERVERS,
  }),
  force: flag({
    help: "replace an existing output",
    group: output,
    onlyAny: { out: true, urlEnv: true, badRows: true },
  }),
} as const;

const executors = onExecutors("make the lists on its executors");
const ofExecutors = {
  ...executors,
  engineOutput: {
    ...executors.engineOutput,
    not: { ...executors.engineOutput.not, index: true, candidates: true },
    why: "Spark writes Parquet, and the executors search all items for all users",
  },
} as const;

export const readingOptions = {
  ...threads,
  ...reading,
  badRows: badRows.badRows,
  ...pick(engine, "engineOrder", "engineSlice", "engineTimeout"),
  engine: { ...engine.engine, onlyAny: { mask: true, foldIn: true, engineOutput: true } },
} as const;

export const recallOptions = withCommon(
  {
    ...ofLists,
    ...ofCandidates,
    ...ofOwners,
    ...threads,
    ...pick(hashedIds, "hashKeys"),
    ...reading,
    dedupeBy: { ...reading.dedupeBy, onlyAny: { mask: true, foldIn: true } },
    ...badRows,
    ...pick(readingOptions, "engine", "engineOrder", "engineSlice", "engineTimeout"),
    ...ofExecutors,
    ...ofOutput,
  } as const,
  [
    ...(["for", "k", "score", "threads", "repeats", "mask", "positiveFrom", "items", "where"] as const),
    ...([
      "within",
      "per",
      "listsPer",
      "newShare",
      "candidates",
      "users",
      "foldIn",
      "query",
      "index",
      "ef",
      "compose",
    ] as const),
    ...(["table", "format", "out", "urlEnv", "into", "force"] as const),
  ],
);

export type RecallOptions = Given<typeof recallOptions>;

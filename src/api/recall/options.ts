// What `embed recall` is asked for.

import { UsageError } from "../../errors.js";
import type { BaselineName } from "../../evaluation/baselines/baselines.js";
import { listServers, type ListServer } from "../../export/servers/list-servers.js";
import { listFormats, type ListFormat } from "../../export/lists.js";
import type { ReadLike } from "../../training/reading/read-as-trained.js";
import type { Compose } from "../compose.js";
import type { Repeats } from "../../ranking/protocol.js";
import { queryOf, type Query } from "../../ranking/query.js";

/** What learns from the training's events alone and may rank in place of a run's model. */
export const recallBaselines = [
  "popularity",
  "item-cf",
  "item-knn",
  "rp3beta",
  "slim",
  "ease",
  "gf-cf",
  "chebycf",
] as const satisfies readonly BaselineName[];

export { listFormats, listServers };
export type { ListFormat, ListServer };

/** How items are ranked. */
export const recallScorings = ["model", "dot", "cosine", "context", ...recallBaselines] as const;
export type RecallScoring = (typeof recallScorings)[number];

export interface RecallOptions extends Omit<ReadLike, "on" | "timed" | "rowsOf"> {
  /** a path; undefined or `-` for `write` */
  out?: string;
  /** a server in place of a file: `urlEnv` and `into` name it */
  format: ListFormat | ListServer;
  force: boolean;
  /** of a server: the environment variable that holds its URL */
  urlEnv?: string;
  /** what the lists are called there */
  into?: string;
  /** whom lists are for */
  for: "user" | "item";
  /** items a list, >= 1 */
  k: number;
  /** the model for users, cosine for items when absent */
  score?: RecallScoring;
  /** of a run with several, for a scoring by a table */
  table?: string;
  /** --query and --query-half-life, as evaluate takes them */
  query?: string;
  queryHalfLife?: string;
  /** of items among themselves: what an item's vector is; the sum over its columns where it has several, when absent */
  compose?: Compose;
  /** whether what a user has may stand in the list; masked when absent */
  repeats?: Repeats;
  /** logs whose items are left out of their users' lists, too */
  mask?: string[];
  /** the label from which on an event counts as one that a user has */
  positiveFrom?: number;
  /** a file of items: those that may stand in lists */
  items?: string;
  /** expressions over its rows */
  where?: string[];
  /** a file of users: those who get lists */
  users?: string;
  /** a column of both files: a user's list holds items of the same cell */
  within?: string;
  /** COLUMN=N of the items' file: at most so many items of a cell in a list */
  per?: string;
  /** a file of users and items: each user's items are ranked, and no others */
  candidates?: string;
  /** events of users whom the run does not know: they get the lists */
  foldIn?: string[];
  /** an index of the items, which is searched in place of all of them */
  index?: string;
  /** of it: candidates that a search remembers */
  ef?: number;
}

/** At most so many items of one cell in a list. */
export interface Quota {
  column: string;
  most: number;
}

/** @throws {UsageError} it is none */
export function quotaOf(per: string | undefined): Quota | undefined {
  if (per === undefined) return undefined;
  const [, column, most] = /^(.+)=([1-9]\d{0,8})$/su.exec(per) ?? [];
  if (column === undefined)
    throw new UsageError(`--per expects COLUMN=N with N of at least 1, such as category=3, got '${per}'`);
  return { column, most: Number(most) };
}

/** What the flags say, checked together. */
export interface Asked {
  score: RecallScoring;
  baseline?: (typeof recallBaselines)[number];
  query: Query | undefined;
  quota: Quota | undefined;
}

/** Of the formats of servers: into one with --url-env, else to a file that its own program loads. @throws {UsageError} */
function checkServer({ format, urlEnv, into, out }: RecallOptions): void {
  const isServer = listServers.some((name) => name === format);
  if (!isServer && (urlEnv ?? into) !== undefined)
    throw new UsageError(`--url-env and --into need --format ${listServers.join(" or ")}`);
  if (format === "redis" && into === undefined)
    throw new UsageError(
      "--format redis needs a key prefix: --into NAME; add --url-env VARIABLE, which holds the server's URL, " +
        "to write to the server",
    );
  if (format === "postgres" && urlEnv !== undefined && into === undefined)
    throw new UsageError("--format postgres needs a table name: --into NAME");
  if (format === "postgres" && urlEnv === undefined && into !== undefined)
    throw new UsageError("--into names a server table: set --url-env VARIABLE, which holds the server's URL");
  if (urlEnv !== undefined && out !== undefined) throw new UsageError("--url-env and -o cannot be combined");
}

/** @throws {UsageError} options that do not go together, before anything is read */
export function askedBy(options: RecallOptions): Asked {
  const { for: whom, items, where, users, within, per, candidates, foldIn, mask, repeats } = options;
  const score = options.score ?? (whom === "user" ? "model" : "cosine");
  const baseline = recallBaselines.find((name) => name === score);
  const refuse = (text: string): never => {
    throw new UsageError(text);
  };
  if (whom === "item") {
    if (score === "model" || baseline !== undefined)
      refuse(`--for item needs --score cosine, dot or context, got ${score}`);
    const ofUsers = { "--users": users, "--fold-in": foldIn, "--mask": mask, "--repeats": repeats };
    const others = { ...ofUsers, "--candidates": candidates, "--query": options.query };
    const [flag] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
    if (flag !== undefined) refuse(`${flag} cannot be combined with --for item`);
  }
  if (whom === "user" && options.compose !== undefined) refuse("--compose needs --for item");
  if (where && items === undefined) refuse("--where needs a file of items: name it with --items FILE");
  const named = [items, users].some((file) => file !== undefined);
  if (within !== undefined && items === undefined)
    refuse("--within needs a file of items: name it with --items FILE");
  if (within !== undefined && whom === "user" && users === undefined)
    refuse(`--within ${within} needs a file of users with this column: name it with --users FILE`);
  if (per !== undefined && items === undefined)
    refuse("--per needs a file of items: name it with --items FILE");
  if (candidates !== undefined && (named || within !== undefined || per !== undefined))
    refuse("--candidates cannot be combined with --items, --users, --within or --per");
  if (foldIn && users !== undefined)
    refuse(
      "--fold-in and --users cannot be combined: lists are written for the users of the folded-in events",
    );
  if (foldIn && options.query !== undefined)
    refuse("--fold-in and --query cannot be combined: folded-in vectors are the queries");
  if (baseline !== undefined && options.table !== undefined)
    refuse(`--score ${baseline} does not use a table: omit --table`);
  checkServer(options);
  if (options.ef !== undefined && options.index === undefined) refuse("--ef needs --index DIR");
  if (options.index !== undefined) {
    if (baseline !== undefined || score === "context")
      refuse(`--index and --score ${score} cannot be combined: the index holds item vectors`);
    if (items !== undefined || candidates !== undefined)
      refuse(
        "--index cannot be combined with --items or --candidates: exact search is faster over few items",
      );
  }
  const query = queryOf({ ...options, ...(baseline === undefined && { score }) });
  return { score, baseline, query, quota: quotaOf(per) };
}

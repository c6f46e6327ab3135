// Relations as the server takes them: what is read, and what is made of it before it comes here.

import { ASCENDING, GROUP_BY, NULLS_FIRST, UNION } from "./messages.js";
import type { Message } from "./wire.js";

/** A relation of Spark Connect's. */
export type Relation = Message;

/** A command of Spark Connect's: what is done there for its effect. */
export type Command = Message;

/** Files of one format. */
export function filesOf(format: string, paths: readonly string[], options: Record<string, string>): Relation {
  return { read: { dataSource: { format, paths, options } } };
}

/** A table by its name. */
export function tableOf(name: string): Relation {
  return { read: { namedTable: { unparsedIdentifier: name } } };
}

/** What a query gives. */
export function queryOf(query: string): Relation {
  return { sql: { query } };
}

/** Expressions of the input's columns, in Spark's SQL; `a AS b` names one. */
export function projected(input: Relation, expressions: readonly string[]): Relation {
  return { project: { input, expressions: expressions.map(expressionOf) } };
}

/** Rows for which a condition holds. */
export function filtered(input: Relation, condition: string): Relation {
  return { filter: { input, condition: expressionOf(condition) } };
}

/** All rows, in ascending order; nulls are first. */
export function sorted(input: Relation, by: readonly string[]): Relation {
  const order = by.map((name) => ({
    child: expressionOf(name),
    direction: ASCENDING,
    nullOrdering: NULLS_FIRST,
  }));
  return { sort: { input, order, isGlobal: true } };
}

/** The first rows. */
export function limited(input: Relation, rows: number): Relation {
  return { limit: { input, limit: rows } };
}

/** Without the first rows. */
export function skipping(input: Relation, rows: number): Relation {
  return { offset: { input, offset: rows } };
}

/** How many rows there are, in one row. */
export function counted(input: Relation): Relation {
  return { aggregate: { input, groupType: GROUP_BY, aggregateExpressions: [expressionOf("count(1)")] } };
}

/** The rows of all relations, whose columns are the same. @param all one or more */
export function unionOf(all: readonly Relation[]): Relation {
  if (all.length === 1) return all[0]!;
  // a tree and no chain, since servers bound how deep messages are
  const [left, right] = [all.slice(0, all.length >> 1), all.slice(all.length >> 1)].map(unionOf);
  return { setOp: { leftInput: left, rightInput: right, setOpType: UNION, isAll: true } };
}

/** A column's name in an expression. */
export function quoted(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

function expressionOf(expression: string): Message {
  return { expressionString: { expression } };
}

// Builds relations of Spark Connect, which describe the input and its transformation by the server.

import { ASCENDING, GROUP_BY, NULLS_FIRST, UNION } from "./messages.js";
import type { Message } from "./wire.js";

export type Relation = Message;

/** A command of Spark Connect, which has an effect on the server. */
export type SparkCommand = Message;

export function filesOf(format: string, paths: readonly string[], options: Record<string, string>): Relation {
  return { read: { dataSource: { format, paths, options } } };
}

export function namedTable(name: string): Relation {
  return { read: { namedTable: { unparsedIdentifier: name } } };
}

/** Returns a relation that reads the result of a SQL query. */
export function queryOf(query: string): Relation {
  return { sql: { query } };
}

/** Selects expressions of the input's columns, written in Spark's SQL; `a AS b` gives an expression a name. */
export function projected(input: Relation, expressions: readonly string[]): Relation {
  return { project: { input, expressions: expressions.map(expressionOf) } };
}

export function filtered(input: Relation, condition: string): Relation {
  return { filter: { input, condition: expressionOf(condition) } };
}

/** Returns a relation with the rows of another relation in ascending order, nulls first. */
export function sorted(input: Relation, by: readonly string[]): Relation {
  const order = by.map((name) => ({
    child: expressionOf(name),
    direction: ASCENDING,
    nullOrdering: NULLS_FIRST,
  }));
  return { sort: { input, order, isGlobal: true } };
}

export function limited(input: Relation, rows: number): Relation {
  return { limit: { input, limit: rows } };
}

export function skipping(input: Relation, rows: number): Relation {
  return { offset: { input, offset: rows } };
}

/** Returns a relation of one row: the number of rows of another relation. */
export function countRows(input: Relation): Relation {
  return { aggregate: { input, groupType: GROUP_BY, aggregateExpressions: [expressionOf("count(1)")] } };
}

/** Concatenates relations that have the same columns. @param all at least one relation */
export function unionOf(all: readonly Relation[]): Relation {
  if (all.length === 1) return all[0]!;
  // the unions form a balanced tree instead of a chain, because servers limit the depth of messages
  const [left, right] = [all.slice(0, all.length >> 1), all.slice(all.length >> 1)].map(unionOf);
  return { setOp: { leftInput: left, rightInput: right, setOpType: UNION, isAll: true } };
}

/**
 * Adds aggregate expressions over all rows that pass through the relation; a command returns their values under the
 * given name.
 */
export function observed(input: Relation, name: string, metrics: readonly string[]): Relation {
  return { collectMetrics: { input, name, metrics: metrics.map(expressionOf) } };
}

export function quotedColumn(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

function expressionOf(expression: string): Message {
  return { expressionString: { expression } };
}

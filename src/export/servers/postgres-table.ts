// Reads the description of a table that is to be replaced from the catalogs of PostgreSQL.

import { OutputError } from "../../base/errors.js";
import type { PostgresRow, Transaction } from "./postgres-connection.js";

export interface FoundTable {
  oid: string;
  schema: string;
  /** true if the current role has the rights of the table's owner, and may create tables in its schema */
  isOurs: boolean;
  owner: string;
  isOfOther: boolean;
  comment: string | null;
}

export interface PostgresColumn {
  name: string;
  /** name of the type in SQL, such as vector(64) */
  type: string;
  /** name of the type with its schema, if the search path may lack the schema */
  sql?: string;
}

/** An index or constraint of a table, which is created on another table: its statement, and its final name. */
export interface Remade {
  name: string;
  isConstraint: boolean;
  /** returns the SQL statement that creates this index or constraint with a given name on a given table */
  sql: (name: string, table: string) => string;
  /** statements that run after the renaming: they set comments, and the index that CLUSTER uses */
  marks: readonly string[];
}

export function quotedIdentifier(...names: string[]): string {
  return names.map((name) => `"${name.replaceAll('"', '""')}"`).join(".");
}

/** Returns the schema of pgvector's type. @throws {OutputError} the database does not have it */
export async function vectorSchema({ query }: Transaction, variable: string): Promise<string> {
  const [found] = await query<{ schema: string }>(
    `SELECT n.nspname AS schema FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
      JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'
      JOIN pg_extension e ON e.oid = d.refobjid WHERE e.extname = 'vector' AND t.typname = 'vector'`,
  );
  if (found) return found.schema;
  throw new OutputError(
    `the database of ${variable} does not have pgvector: its owner must run CREATE EXTENSION vector`,
  );
}

/** Undefined if there is no such table. @throws {OutputError} it is not an ordinary table */
export async function findTable(
  { query }: Transaction,
  name: string,
  into: string,
): Promise<FoundTable | undefined> {
  const [found] = await query<FoundTable & { kind: string } & PostgresRow>(
    `SELECT c.oid::text AS oid, n.nspname AS schema, c.relkind AS kind, pg_get_userbyid(c.relowner) AS owner,
        pg_has_role(c.relowner, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE') AS "isOurs",
        pg_get_userbyid(c.relowner) <> current_user AS "isOfOther", obj_description(c.oid, 'pg_class') AS comment
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)`,
    [name],
  );
  if (found && found.kind !== "r")
    throw new OutputError(`'${into}' exists but is not a plain table: name another with --into`);
  return found;
}

/** @throws {OutputError} the table has other columns than the export writes */
export async function checkColumns(
  { query }: Transaction,
  { oid }: FoundTable,
  columns: readonly PostgresColumn[],
  into: string,
): Promise<void> {
  const there = await query<{ name: string; type: string; size: number }>(
    `SELECT a.attname AS name, t.typname AS type, a.atttypmod AS size
      FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
      WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [oid],
  );
  const texts = there.map(
    ({ name, type, size }) =>
      `${name} ${TYPES[type] ?? type}${type === "vector" && size > 0 ? `(${size})` : ""}`,
  );
  const expected = columns.map(({ name, type }) => `${name} ${type}`);
  const isSame = texts.length === expected.length && texts.every((text) => expected.includes(text));
  if (!isSame)
    throw new OutputError(
      `the table '${into}' has the columns (${texts.join(", ")}), expected (${expected.join(", ")}): name another with --into, or drop it`,
    );
}

/** SQL names of the types that have a different name in the catalog. */
const TYPES: Record<string, string> = { int4: "integer", int8: "bigint", float4: "real" };

async function firstColumn(
  { query }: Transaction,
  sql: string,
  values: readonly unknown[],
): Promise<string[]> {
  return (await query(sql, values)).map((row) => Object.values(row)[0] as string);
}

/** Objects that depend on the table and that a new one in its place would lack, as PostgreSQL describes them. */
export async function attachedTo(transaction: Transaction, { oid }: FoundTable): Promise<string[]> {
  return await firstColumn(
    transaction,
    `SELECT DISTINCT pg_describe_object(classid, objid, 0) AS what FROM pg_depend
      WHERE deptype = 'n' AND ((refclassid = 'pg_class'::regclass AND refobjid = $1)
        OR (refclassid = 'pg_type'::regclass AND refobjid = (SELECT reltype FROM pg_class WHERE oid = $1)))
        AND NOT (classid = 'pg_constraint'::regclass AND objid IN (SELECT oid FROM pg_constraint WHERE conrelid = $1 AND contype <> 'f'))
      UNION SELECT pg_describe_object('pg_trigger'::regclass, oid, 0) FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal
      UNION SELECT pg_describe_object('pg_rewrite'::regclass, oid, 0) FROM pg_rewrite WHERE ev_class = $1
      UNION SELECT pg_describe_object('pg_policy'::regclass, oid, 0) FROM pg_policy WHERE polrelid = $1
      UNION SELECT pg_describe_object('pg_publication_rel'::regclass, oid, 0) FROM pg_publication_rel WHERE prrelid = $1
      UNION SELECT pg_describe_object('pg_constraint'::regclass, oid, 0) FROM pg_constraint WHERE conrelid = $1 AND contype = 'f'
      UNION SELECT 'inheritance' FROM pg_inherits WHERE inhrelid = $1 OR inhparent = $1
      UNION SELECT 'grants on columns' FROM pg_attribute WHERE attrelid = $1 AND attacl IS NOT NULL
      UNION SELECT 'grants by ' || pg_get_userbyid(a.grantor) FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.oid = $1 AND a.grantor <> c.relowner
      UNION SELECT pg_describe_object('pg_statistic_ext'::regclass, oid, 0) FROM pg_statistic_ext WHERE stxrelid = $1
      UNION SELECT 'security labels' FROM pg_seclabel WHERE classoid = 'pg_class'::regclass AND objoid = $1
      UNION SELECT 'settings of columns' FROM pg_attribute WHERE attrelid = $1 AND attoptions IS NOT NULL
      UNION SELECT 'settings of indexes' FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_attribute a ON a.attrelid = i.oid WHERE x.indrelid = $1 AND (i.reltablespace <> 0 OR a.attstattarget >= 0)
      UNION SELECT 'settings of its own' FROM pg_class WHERE oid = $1 AND (reloptions IS NOT NULL OR reltablespace <> 0
        OR relpersistence <> 'p' OR relrowsecurity OR relforcerowsecurity OR relreplident <> 'd')`,
    [oid],
  );
}

/** Returns the tables whose rows refer to rows of the given table. */
export async function pointingTo(transaction: Transaction, { oid }: FoundTable): Promise<string[]> {
  return await firstColumn(
    transaction,
    `SELECT conrelid::regclass::text AS name FROM pg_constraint WHERE contype = 'f' AND confrelid = $1 AND conrelid <> $1`,
    [oid],
  );
}

/** Statements for exactly the grants of this table; default privileges may have given the other more or fewer. */
export async function rightsOf(
  transaction: Transaction,
  { oid }: FoundTable,
  table: string,
): Promise<string[]> {
  return await firstColumn(
    transaction,
    `WITH rights AS (SELECT c.oid = $1 AS is_old, a.grantee, a.privilege_type, a.is_grantable,
          CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS role
        FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
        WHERE c.oid IN ($1, $2::text::regclass)),
      statements AS (
        SELECT DISTINCT 0 AS step, format('REVOKE ALL ON TABLE %s FROM %s', $2::text, role) AS sql
          FROM rights WHERE NOT is_old
        UNION ALL SELECT 1, format('GRANT %s ON TABLE %s TO %s%s', privilege_type, $2::text, role,
          CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) FROM rights WHERE is_old)
      SELECT sql FROM statements WHERE EXISTS (SELECT FROM rights
        GROUP BY grantee, privilege_type, is_grantable HAVING count(*) < 2) ORDER BY step`,
    [oid, table],
  );
}

/** Returns statements that copy the statistics targets of this table's columns to another table. */
export async function statisticsTargetsOf(
  transaction: Transaction,
  { oid }: FoundTable,
  table: string,
): Promise<string[]> {
  return await firstColumn(
    transaction,
    `SELECT format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS %s', $2::text, attname, attstattarget) AS sql
      FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped AND attstattarget >= 0`,
    [oid, table],
  );
}

/** Returns the names of a table's vector indexes, which keep deleted rows until they are rebuilt. */
export async function vectorIndexesOf(transaction: Transaction, { oid }: FoundTable): Promise<string[]> {
  return await firstColumn(
    transaction,
    `SELECT format('%I.%I', n.nspname, i.relname) AS name FROM pg_index x
      JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace
      JOIN pg_am m ON m.oid = i.relam WHERE x.indrelid = $1 AND m.amname IN ('hnsw', 'ivfflat') ORDER BY 1`,
    [oid],
  );
}

/** Returns statements that create the indexes of a table, and the constraints that have an index, on another table. */
export async function indexesOf({ query }: Transaction, { oid }: FoundTable): Promise<Remade[]> {
  type Found = { name: string; isConstraint: boolean; head: string; definition: string; marks: string[] };
  const rows = await query<Found>(
    `SELECT i.relname AS name, k.oid IS NOT NULL AS "isConstraint",
        format('CREATE %sINDEX %I ON %I.%I ', CASE WHEN x.indisunique THEN 'UNIQUE ' ELSE '' END, i.relname, n.nspname, t.relname) AS head,
        coalesce(pg_get_constraintdef(k.oid), pg_get_indexdef(i.oid)) AS definition,
        array_remove(ARRAY[
          format('COMMENT ON INDEX %I.%I IS ', n.nspname, i.relname) || quote_literal(obj_description(i.oid, 'pg_class')),
          format('COMMENT ON CONSTRAINT %I ON %I.%I IS ', i.relname, n.nspname, t.relname)
            || quote_literal(obj_description(k.oid, 'pg_constraint')),
          CASE WHEN x.indisclustered THEN format('ALTER TABLE %I.%I CLUSTER ON %I', n.nspname, t.relname, i.relname) END
        ], NULL) AS marks
      FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
      JOIN pg_namespace n ON n.oid = t.relnamespace
      LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.conrelid = t.oid AND k.contype IN ('p', 'u', 'x')
      WHERE x.indrelid = $1 AND x.indisvalid ORDER BY i.oid`,
    [oid],
  );
  return rows.map(({ name, isConstraint, head, definition, marks }) => ({
    name,
    isConstraint,
    marks,
    sql: (newName, table) => {
      if (isConstraint)
        return `ALTER TABLE ${table} ADD CONSTRAINT ${quotedIdentifier(newName)} ${definition}`;
      if (!definition.startsWith(head)) throw new Error(`no index definition: ${definition}`);
      const kind = head.startsWith("CREATE UNIQUE") ? "UNIQUE " : "";
      return `CREATE ${kind}INDEX ${quotedIdentifier(newName)} ON ${table} ${definition.slice(head.length)}`;
    },
  }));
}

const ESCAPES: Record<string, string> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** Source: PostgreSQL's COPY, "Text Format". */
export function copyText(text: Uint8Array): Uint8Array {
  if (!text.some((byte) => byte === 92 || byte === 9 || byte === 10 || byte === 13)) return text;
  return Buffer.from(
    Buffer.from(text)
      .toString("utf8")
      .replaceAll(/[\\\t\n\r]/g, (c) => ESCAPES[c]!),
  );
}

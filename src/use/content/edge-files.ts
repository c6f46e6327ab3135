// Reads the files of --edges and --known-edges. A row is an edge; a key column contains the node at each end.

import { openAsTrained, type FurtherLog } from "../../training/reading/open-as-trained.js";
import { MISSING, type Keys } from "../../log/keys.js";
import { canReopen } from "../../base/io/source.js";
import { columnNamed, type Dataset, type KeyColumn, type Roles } from "../../dataset/dataset.js";
import type { Edges } from "../../dataset/graph/graph.js";
import type { Preprocess } from "../../dataset/vocabulary/preprocess.js";
import { requireColumn } from "../../dataset/roles.js";
import { UsageError } from "../../base/errors.js";
import { openLog } from "../../log/open.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";
import { silently } from "../../training/reading/split-parts.js";
import { rowsOfKeys } from "../../training/split-metrics/ranked-items.js";
import type { Watch } from "../../training/session/watch.js";

const NAMES = ["source", "target"] as const;

export interface EdgeFile {
  dataset: Dataset;
  source: KeyColumn;
  target: KeyColumn;
}

export interface EdgeReading extends Omit<FurtherLog, "on"> {
  /** columns with the nodes at both ends of an edge; by default `source` and `target`, or else the first two columns */
  source?: string | undefined;
  target?: string | undefined;
}

/** Reads files as one list of edges. @param hashing the hashing of the run's keys; undefined if they are not hashed */
export async function readEdgeFile(
  flag: string,
  paths: readonly string[],
  hashing: Preprocess["hashKeys"],
  options: EdgeReading,
  watch: Watch,
) {
  const { reading, hashKeys, maxBad, badRows } = options;
  const { source, target, others } = await endColumns(flag, paths, options, watch);
  const roles: Roles = { fields: [source, target], numeric: [], multi: {} };
  const { dataset } = await openAsTrained(
    { roles, sides: [], drop: [], hashKeys: hashing && { ...hashing, columns: [source, target] } },
    { on: [...paths], reading, hashKeys, maxBad, badRows },
    silently(watch),
    { roles: [] },
  );
  return { dataset, source: keysIn(dataset, source), target: keysIn(dataset, target), others };
}

async function endColumns(
  flag: string,
  paths: readonly string[],
  { source, target, reading }: EdgeReading,
  watch: Watch,
): Promise<{ source: string; target: string; others: readonly string[] }> {
  for (const path of paths)
    if (!(await canReopen(path))) throw new UsageError(`${flag} needs a file, got '${path}'`);
  const log = await openLog(paths, reading);
  await log.close();
  const { columns, delimiter } = log;
  const ends = (from: string, to: string) => ({
    source: from,
    target: to,
    others: columns.filter((name) => name !== from && name !== to),
  });
  if (source !== undefined && target !== undefined) {
    requireColumn("--source", source, columns);
    requireColumn("--target", target, columns);
    if (source === target) throw new UsageError(`--source and --target both name '${source}'`);
    return ends(source, target);
  }
  if (NAMES.every((name) => columns.includes(name))) return ends(...NAMES);
  const [first, second] = columns;
  if (second === undefined)
    throw new UsageError(
      `${flag}: '${paths[0]}' has only one column, '${first}', but an edge list needs two: the delimiter is ` +
        `'${delimiter}'; set another with --delimiter ' '`,
    );
  if (reading.header && [first!, second].some((name) => /^\d+$/u.test(name)))
    throw new UsageError(
      `${flag}: the header of '${paths[0]}', '${first}' and '${second}', looks like an edge: use --no-header ` +
        `if it is one, or --source ${first} --target ${second} if it is a header`,
    );
  watch.observe({
    stage: "note",
    text: `${flag}: source '${first}', target '${second}' (the first two columns)`,
  });
  return ends(first!, second);
}

export function keysIn(dataset: Dataset, name: string): KeyColumn {
  const column = columnNamed(dataset, name);
  if (column.kind === "key") return column;
  throw new UsageError(
    `source and target need one key per row, but column '${name}' is multi-valued or numeric`,
  );
}

/** Returns edges between node numbers, or MISSING for a key that is not a node. @param nodes keys of the nodes */
export function edgesBetween(nodes: Keys, { source, target }: EdgeFile): Edges {
  const endsOf = ({ codes, dictionary }: KeyColumn): Uint32Array => {
    const found = rowsOfKeys(nodes, dictionary);
    return codes.map((code) => (code === MISSING || found[code] === NO_ITEM ? MISSING : found[code]!));
  };
  return { sources: endsOf(source), targets: endsOf(target) };
}

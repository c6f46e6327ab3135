// The directory of an index: the graph in hnswlib's format, the keys of its rows, and the properties of the index.
//
//   index.json   properties of the index, and checksums of the other files
//   index.hnsw   the graph and its vectors (table/retrieval/hnsw/file.ts)
//   ids.tsv      row number, tab, key, as for faiss and usearch; also contains rows that are not indexed

import { join } from "node:path";
import { ArtifactError, excerpt, NoInputError, UsageError } from "../../base/errors.js";
import { restoreInterrupted } from "../../base/io/leftovers.js";
import { count, flag, object, parseJson, text, where, whole, word } from "../../base/io/json-shape.js";
import { checkRegularFiles } from "../../base/io/listed-files.js";
import { checkArtifact, pathExists, readArtifact, withArtifact } from "../../base/io/read-artifact.js";
import type { OwnDirectory } from "../../base/io/replaceable.js";
import { kindAt, realPathOf } from "../../base/io/tree.js";
import type { WrittenFile } from "../../base/io/write.js";
import { readHnsw } from "../../table/retrieval/hnsw/file.js";
import type { HnswGraph } from "../../table/retrieval/hnsw/graph.js";
import {
  indexMetrics,
  nearnessOf,
  SPACES,
  widthOf,
  type IndexMetric,
} from "../../table/retrieval/hnsw/space.js";
import type { Compose } from "../compose.js";

export const FACTS_FILE = "index.json";
export const HNSW_FILE = "index.hnsw";
export const IDS_FILE = "ids.tsv";
/** Version of the schema of index.json; an index of another version is rejected. */
const SCHEMA_VERSION = 1;
const REBUILD = "build it again with embed index";

/** The properties of an index, as index.json records them. */
export interface IndexFacts {
  schemaVersion: number;
  /** version of embed that built the index */
  version: string;
  field: string;
  /** name of the table; only for a run with several tables */
  table?: string;
  metric: IndexMetric;
  /** name of the metric in hnswlib */
  space: (typeof SPACES)[IndexMetric];
  /** dimension of the run's table */
  dim: number;
  /** whether a further coordinate of each vector contains the row's weight */
  biased: boolean;
  /** dimension of the vectors in the index */
  width: number;
  /** whether the vectors of items are sums over all item columns */
  compose: Compose;
  /** number of indexed rows, and number of all rows of the field */
  count: number;
  rows: number;
  m: number;
  efConstruction: number;
  seed: number;
  /** SHA-256 of the keys, vectors and weights of the field */
  fingerprint: string;
  files: Record<typeof HNSW_FILE | typeof IDS_FILE, WrittenFile>;
}

const sha256 = where(
  "a checksum of 64 digits",
  (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value),
);
const file = object({ bytes: count, sha256 });
const factsShape = object(
  {
    schemaVersion: whole(SCHEMA_VERSION, SCHEMA_VERSION),
    version: text,
    field: text,
    metric: word(...indexMetrics),
    space: word(...Object.values(SPACES)),
    dim: whole(1, 2 ** 20),
    biased: flag,
    width: whole(1, 2 ** 20 + 2),
    compose: word("item", "none"),
    count: whole(1, 2 ** 31 - 1),
    rows: whole(1, 2 ** 32 - 1),
    m: whole(1, 65_535),
    efConstruction: whole(1, 2 ** 31 - 1),
    seed: count,
    fingerprint: sha256,
    files: object({ [HNSW_FILE]: file, [IDS_FILE]: file }),
  },
  { table: text },
);

export const ownIndex: OwnDirectory = {
  what: "an index",
  marker: FACTS_FILE,
  async filesOf(dir) {
    const path = join(dir, FACTS_FILE);
    if ((await kindAt(path)) !== "file") return undefined;
    try {
      parseJson(await readArtifact(path), factsShape, path);
    } catch (error) {
      if (error instanceof ArtifactError) return undefined;
      throw error;
    }
    return [FACTS_FILE, HNSW_FILE, IDS_FILE];
  },
};

export function factsText(facts: Omit<IndexFacts, "schemaVersion">): string {
  return `${JSON.stringify({ schemaVersion: SCHEMA_VERSION, ...facts }, undefined, 2)}\n`;
}

/** The directory of an index that was opened for reading. */
export interface IndexDirectory {
  /** path of the directory as the user wrote it */
  path: string;
  facts: IndexFacts;
  /** Reads the graph and checks its checksum and links. @throws {ArtifactError} {UsageError} damaged, or too large */
  readGraph(): Promise<HnswGraph>;
}

/** Opens an index. If a replacement of the index was interrupted, the earlier index is restored first. */
export async function openIndex(path: string): Promise<IndexDirectory> {
  await restoreInterrupted(path);
  const root = await realPathOf(path);
  if (root === undefined) throw new NoInputError(`index '${path}' does not exist`);
  const factsPath = join(root, FACTS_FILE);
  if (!(await pathExists(factsPath))) throw await notAnIndex(path, root);
  checkRegularFiles(root, [FACTS_FILE, HNSW_FILE, IDS_FILE]);
  const facts = parseJson(
    await readArtifact(factsPath),
    factsShape,
    join(path, FACTS_FILE),
    REBUILD,
  ) as IndexFacts;
  const { metric, dim, biased, width, space, count: numNodes, rows } = facts;
  const fail = (what: string): never => {
    throw new ArtifactError(`'${join(path, FACTS_FILE)}' is invalid (${what}): restore it or ${REBUILD}`);
  };
  if (biased && metric !== "dot") fail(`weights are supported only for dot, got ${metric}`);
  if (width !== widthOf({ metric, dim, biased })) fail(`width: expected ${widthOf(facts)}, got ${width}`);
  if (space !== SPACES[metric]) fail(`space: expected ${SPACES[metric]} for ${metric}, got ${space}`);
  if (numNodes > rows) fail(`count: expected at most ${rows}, got ${numNodes}`);
  return {
    path,
    facts,
    async readGraph() {
      const name = join(path, HNSW_FILE);
      await checkArtifact(join(root, HNSW_FILE), facts.files[HNSW_FILE], REBUILD);
      const expected = { dim: width, nearness: nearnessOf(metric), numLabels: rows };
      const graph = await withArtifact(join(root, HNSW_FILE), (handle) => readHnsw(handle, name, expected));
      if (graph.labels.length !== numNodes)
        throw new ArtifactError(
          `'${name}' holds ${graph.labels.length} vectors, and '${FACTS_FILE}' says ${numNodes}: ${REBUILD}`,
        );
      return graph;
    },
  };
}

async function notAnIndex(path: string, root: string): Promise<UsageError | ArtifactError> {
  if (await pathExists(join(root, HNSW_FILE)))
    return new ArtifactError(`index '${path}' has no ${FACTS_FILE}: it is damaged; restore it or ${REBUILD}`);
  return new UsageError(
    `'${path}' is not an index: it has no ${FACTS_FILE}; name a directory written by embed index -o`,
  );
}

/** @throws {UsageError} the index was built from another table than that of the run at `run`; says how it differs */
export function checkFits(
  { path, facts }: IndexDirectory,
  run: string,
  found: Pick<IndexFacts, "field" | "dim" | "metric" | "fingerprint" | "rows" | "compose">,
): void {
  for (const name of ["field", "metric", "compose", "dim", "rows"] as const) {
    if (facts[name] === found[name]) continue;
    throw new UsageError(
      `index '${path}' does not match run '${run}': ${name} is ${excerpt(String(facts[name]))}, expected ` +
        `${excerpt(String(found[name]))}; ${REBUILD}`,
    );
  }
  if (facts.fingerprint !== found.fingerprint)
    throw new UsageError(
      `index '${path}' was not built from the vectors of run '${run}': ${REBUILD}, or name the run that it ` +
        "was built from",
    );
}

// Evaluates tables by labels of items: do near neighbors share a label, and can a linear model predict it from the
// vector?
//
// All runs are evaluated on the same items: those that have a row in every table and a label in the file.

import { keyAt } from "../../log/keys.js";
import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import { hashText } from "../../base/numeric/hash.js";
import type { SideTable } from "../../dataset/side.js";
import { isHole, keysOfRows, pickRows, rowsOf, type EmbeddingTable } from "../../table/table.js";
import { DataError, excerpt, UsageError } from "../../base/errors.js";
import { compare, type Measured } from "../../metrics/comparison.js";
import {
  itemLabels,
  type ItemLabels,
  rarerHalf,
  sharedByChance,
  sharedLabels,
  probeByFrequency,
  probeLabels,
  type F1,
} from "../../metrics/label-metrics.js";
import type { UserMetric } from "../../metrics/user-metric.js";
import { nearestRows } from "../../table/retrieval/nearest.js";
import { composeItems } from "../../use/compose.js";
import type { Evaluating } from "./options.js";
import { labelsIn, readLabels } from "../../use/key-labels.js";
import type { Watch } from "../../training/session/watch.js";
import { openTable, type OpenTable } from "../../use/tables.js";

const NEIGHBORS = 10;
/** Share of the items on which the probe is tested; it is trained on the others. */
const TEST_SHARE = 0.2;
/** Maximum number of labels for a probe, which fits a model for each label. */
const MOST_LABELS = 1000;

interface CommonItems {
  keys: string[];
  /** the tables, restricted to the evaluated items in the order of `keys` */
  tables: EmbeddingTable[];
}

export async function evaluateLabels(
  runs: readonly { path: string; name: string }[],
  options: Evaluating,
  watch: Watch,
) {
  const { labels, neighborsBy, probe, probeTrain, probeRepeats = 1, probeRaw, table } = options;
  const { k = [NEIGHBORS], seed = 1, bootstrap = 1000 } = options;
  if (options.k !== undefined && neighborsBy === undefined)
    throw new UsageError("--k needs --neighbors-by COLUMN here");
  const opened = await Promise.all(runs.map(({ path }) => openTable(path, table)));
  const columns = { "--neighbors-by": neighborsBy, "--probe": probe };
  const { side, field } = await readLabels(opened[0]!, labels!, columns, options.reading.threads);
  const items = await commonItems(runs, opened, field, side, watch);
  const warnings: string[] = [];
  const measured: Measured[] = runs.map(({ name }) => ({ name, kind: "run", byUser: [], others: {} }));
  let units = 0;
  if (neighborsBy !== undefined) {
    const evaluated = labelled(items, side, neighborsBy, "--neighbors-by", warnings);
    units = evaluated.keys.length;
    const rare = rarerItems(evaluated, warnings);
    const how = { threads: options.reading.threads, signal: watch.signal };
    const most = Math.min(Math.max(...k), units - 1);
    for (const [r, { vectors, dim }] of evaluated.tables.entries()) {
      const nearest = await nearestRows(vectors, dim, most, how);
      measured[r]!.byUser = k.flatMap((n) =>
        neighborMetrics(n, sharedLabels(evaluated.labels, nearest, most, Math.min(n, most)), rare),
      );
    }
    const chance = sharedByChance(evaluated.labels);
    const byUser = k.flatMap((n) => neighborMetrics(n, chance, rare));
    measured.push({ name: "chance", kind: "baseline", byUser, others: {} });
  }
  if (probe !== undefined) {
    const evaluated = labelled(items, side, probe, "--probe", warnings);
    units ||= evaluated.keys.length;
    const splits = probeSplits(evaluated, options);
    for (const [r, { vectors, dim }] of evaluated.tables.entries()) {
      const found = splits.map((isTest) => {
        watch.signal.throwIfAborted();
        return probeLabels(vectors, dim, evaluated.labels, isTest, probeRaw);
      });
      measured[r]!.repeats = fitMetrics(found);
    }
    const repeats = fitMetrics(splits.map((isTest) => probeByFrequency(evaluated.labels, isTest)));
    measured.push({ name: "most frequent", kind: "baseline", byUser: [], repeats, others: {} });
  }
  return {
    compared: compare(measured, units, { samples: neighborsBy === undefined ? 0 : bootstrap, seed }),
    // drops repetitions, because neighbors and probe may give the same warning
    warnings: [...new Set(warnings)],
    rows: units,
    of: "items" as const,
    ...(probe !== undefined && probeRepeats > 1 && { shuffles: probeRepeats }),
    given: {
      labels,
      neighborsBy,
      probe,
      probeTrain,
      probeRepeats: options.probeRepeats,
      probeRaw,
      k: options.k,
      table,
    },
  };
}

/** Returns the items that all tables contain, in the order of the first table; vectors are composed if they can be. */
async function commonItems(
  runs: readonly { path: string; name: string }[],
  opened: readonly OpenTable[],
  named: string,
  side: SideTable,
  watch: Watch,
): Promise<CommonItems> {
  const index = new KeyIndex(side.keys);
  const found: { table: EmbeddingTable; rowOfKey: Map<string, number> }[] = [];
  for (const [r, one] of opened.entries()) {
    const field = one.fieldNamed(named);
    const range = rowsOf(one.table, field);
    const composed = await composeItems(one, undefined);
    if (composed.note && composed.item === field) watch.observe({ stage: "note", text: composed.note });
    const keys = keysOfRows(one.table, range);
    const rowOfKey = new Map<string, number>();
    for (let i = 0; i < keys.size; i++)
      if (!isHole(one.table, range.first + i) && index.find(keys, i) >= 0)
        rowOfKey.set(keyAt(keys, i), range.first + i);
    if (rowOfKey.size === 0) {
      const theirs = side.keys.size > 0 ? `, such as ${excerpt(keyAt(side.keys, 0))}` : "";
      throw new DataError(
        `none of the ${keys.size} keys of field '${field}' of run '${runs[r]!.path}', such as ` +
          `${excerpt(keyAt(keys, 0))}, is among the ${side.keys.size} keys of '${side.path}'${theirs}: name ` +
          "field and column with --labels FILE:FIELD=COLUMN",
      );
    }
    found.push({ table: composed.table, rowOfKey });
  }
  const keys = [...found[0]!.rowOfKey.keys()].filter((key) =>
    found.every(({ rowOfKey }) => rowOfKey.has(key)),
  );
  if (keys.length === 0) throw new UsageError("the runs have no labelled item in common");
  const tables = found.map(({ table, rowOfKey }) =>
    pickRows(
      table,
      Uint32Array.from(keys, (key) => rowOfKey.get(key)!),
    ),
  );
  return { keys, tables };
}

function labelled(
  { keys, tables }: CommonItems,
  side: SideTable,
  name: string,
  flag: string,
  warnings: string[],
): CommonItems & { labels: ItemLabels } {
  const index = new KeyIndex(side.keys);
  const { names, labelsOfRow } = labelsIn(side, name);
  const lists = keys.map((key) => labelsOfRow(index.findText(key)));
  const has = [...lists.keys()].filter((i) => lists[i]!.length > 0);
  const numLabels = new Set(has.flatMap((i) => [...lists[i]!])).size;
  if (has.length < 2 || numLabels < 2)
    throw new UsageError(
      `${flag} ${name}: at least 2 items and 2 labels are needed, got ${has.length} items with ${numLabels} ` +
        `labels in '${side.path}'`,
    );
  if (flag === "--probe" && numLabels > MOST_LABELS)
    throw new UsageError(
      `${flag} ${name}: at most ${MOST_LABELS} labels are supported, got ${numLabels} (${has.length} items): ` +
        "use a column with fewer labels",
    );
  const without = keys.length - has.length;
  if (without > 0) warnings.push(`skipped ${without} of ${keys.length} items without '${name}'`);
  return {
    keys: has.map((i) => keys[i]!),
    tables: tables.map((table) => pickRows(table, Uint32Array.from(has))),
    labels: itemLabels(
      has.map((i) => lists[i]!),
      names.size,
    ),
  };
}

/** Returns u8[n]: 1 for the less frequent half of the items, by the first table with counts, if there is one. */
function rarerItems({ tables }: CommonItems, warnings: string[]): Uint8Array | undefined {
  const counted = tables.find(({ counts }) => counts.some((count) => count !== counts[0]));
  if (counted) return rarerHalf(counted.counts);
  warnings.push("no run has event counts of items: metrics for rarer items are omitted");
  return undefined;
}

/** Returns two metrics: the mean share of an item's k nearest items with its label, of all items and the rarer half. */
function neighborMetrics(k: number, shares: Float64Array, rare: Uint8Array | undefined): UserMetric[] {
  const all = { name: `sameLabelAt${k}`, sums: shares };
  if (!rare) return [all];
  const weights = Float64Array.from(rare);
  return [all, { name: `rareSameLabelAt${k}`, sums: shares.map((share, i) => share * weights[i]!), weights }];
}

/**
 * Returns u8[n] for each fit of the probe: 1 for test items. A hash of the seed and an item's key decides between
 * training and test, so that the choice is the same for all runs and logs.
 *
 * By default, a fifth of the items are test items, by a threshold for the hash. With --probe-train or --probe-repeats,
 * items are sorted by their hashes, which differ between repeats, and the first items are for training.
 */
function probeSplits(
  { keys }: CommonItems,
  { probeTrain, probeRepeats, seed = 1 }: Evaluating,
): Uint8Array[] {
  if (probeTrain === undefined && probeRepeats === undefined)
    return [
      checkedSplit(
        Uint8Array.from(keys, (key) =>
          hashText(key, { lo: seed, hi: seed }).hi < TEST_SHARE * 2 ** 32 ? 1 : 0,
        ),
      ),
    ];
  const numTrain = Math.round((probeTrain ?? 1 - TEST_SHARE) * keys.length);
  return Array.from({ length: probeRepeats ?? 1 }, (_, repeat) => {
    const hashes = keys.map((key) => hashText(key, { lo: seed, hi: repeat }));
    const order = [...keys.keys()].sort((a, b) => {
      const [one, other] = [hashes[a]!, hashes[b]!];
      return one.hi - other.hi || one.lo - other.lo;
    });
    const isTest = new Uint8Array(keys.length);
    for (const item of order.slice(numTrain)) isTest[item] = 1;
    return checkedSplit(isTest);
  });
}

function checkedSplit(isTest: Uint8Array): Uint8Array {
  const numTest = isTest.reduce((sum, is) => sum + is, 0);
  if (numTest === 0 || numTest === isTest.length)
    throw new UsageError(
      `--probe: too few items: splitting ${isTest.length} items into train and test leaves one of them empty`,
    );
  return isTest;
}

function fitMetrics(found: readonly F1[]): Record<string, number[]> {
  return { microF1: found.map(({ micro }) => micro), macroF1: found.map(({ macro }) => macro) };
}

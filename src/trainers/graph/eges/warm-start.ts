// --init of EGES: carries over items' own vectors, vectors of side values, contexts and attention of a run, by key.
//
//   tables `own` (attention.safetensors), `side`, `context` ──► rows of one space: the item's field, then the side
//     columns
//   attention by item and kind                              ──► initial attention; 0 for a kind that an item lacked
//
// Items without events in this log have no side values in it. They keep their composed vector, attention and shares.

import { featureSpace } from "../../../dataset/vocabulary/vocabulary.js";
import type { KeyHistory } from "../../../table/key-history.js";
import type { Run } from "../../../table/run-directory.js";
import { TensorFile } from "../../../table/safetensors.js";
import { UsageError } from "../../../base/errors.js";
import { composedRows, type SgnsParts } from "../../../compute/kernels/sgns/parts.js";
import { CONTEXT_TABLE } from "../../shared/skip-grams/capabilities.js";
import {
  readOptimizerFile,
  startOf,
  type SgnsStart,
  type SgnsInit,
} from "../../shared/skip-grams/warm-start.js";
import { rowsByFeature, spaceOf } from "../../../training/examples/feature-table.js";
import { readPreprocess } from "../../../training/capabilities/run-space.js";
import { ATTENTION_FILE, readSide, SIDE_HISTORY_FILE, type CarriedItems } from "./artifact.js";
import type { SideInformation } from "./side-information.js";
import { carryRows, type CarriedVocabulary } from "../../../training/warm-start/carried-keys.js";
import { readKeyHistory } from "../../../training/warm-start/init-run.js";

export interface EgesInit extends SgnsInit {
  /** the first is that of the item's column */
  kinds: string[];
  /** f32[numFeatures * dim]: the items' vectors in the run's table, composed of own vectors and side values */
  composed: Float32Array;
  /** f32[numFeatures, kinds] each: attention before the softmax, and shares after it */
  attention: Float32Array;
  shares: Float32Array;
}

export async function readEgesInit(run: Run): Promise<EgesInit> {
  const [table, contexts] = [await run.readTable(), await run.readTable(CONTEXT_TABLE)];
  const { dim, numRows } = table;
  const items = spaceOf(await readPreprocess(run), table);
  const { kinds, table: sideTable, space: sides } = await readSide(run);
  const tensors = await TensorFile.of(run, ATTENTION_FILE);
  if (contexts.dim !== dim || sideTable.dim !== dim || contexts.numRows !== numRows)
    tensors.fail(`its tables have ${[dim, contexts.dim, sideTable.dim].join(", ")} dimensions`);
  const space = featureSpace([...items.fields, ...sides.fields]);
  const columns = [...items.fields, ...sides.fields].map(({ name }) => name);
  if (
    kinds.length !== columns.length ||
    kinds[0] !== columns[0] ||
    !columns.every((name) => kinds.includes(name))
  )
    tensors.fail(`kinds ${kinds.join(", ")} of columns ${columns.join(", ")}`);
  // the item's field is the first field of both feature spaces
  const ofItems = (rows: Float32Array, width: number) => {
    const all = new Float32Array(space.numFeatures * width);
    all.set(rowsByFeature(items, rows, width));
    return all;
  };
  const vectors = ofItems(tensors.f32("own", [numRows, dim]), dim);
  vectors.set(rowsByFeature(sides, sideTable.vectors, dim), items.numFeatures * dim);
  const byKind = (name: string) => ofItems(tensors.f32(name, [numRows, kinds.length]), kinds.length);
  return {
    ...{ run, space, dim, kinds, vectors },
    history: concatHistories(
      await readKeyHistory(run, items),
      await readKeyHistory(run, sides, SIDE_HISTORY_FILE),
    ),
    contexts: ofItems(contexts.vectors, dim),
    composed: ofItems(table.vectors, dim),
    ...{ attention: byKind("attention"), shares: byKind("shares") },
    squares: (await readOptimizerFile(run, space.numFeatures, [dim]))?.[0],
  };
}

function concatHistories(one: KeyHistory, other: KeyHistory): KeyHistory {
  const lastSeen = new BigInt64Array(one.lastSeen.length + other.lastSeen.length);
  lastSeen.set(one.lastSeen);
  lastSeen.set(other.lastSeen, one.lastSeen.length);
  const missed = new Uint32Array(lastSeen.length);
  missed.set(one.missed);
  missed.set(other.missed, one.missed.length);
  return { lastSeen, missed };
}

/** @param kinds kinds of this training; the first is that of the item's column */
export function checkSameKinds({ run, kinds: before }: EgesInit, kinds: readonly string[]): void {
  const [item, ...sides] = before;
  if (kinds[0] !== item)
    throw new UsageError(
      `--init '${run.path}' has vectors of '${item}', but the item column here is '${kinds[0]}': name the ` +
        "same column with --item, or train without --init",
    );
  const isSame = before.length === kinds.length && before.every((name) => kinds.includes(name));
  if (isSame) return;
  const here = kinds.slice(1).join(",");
  throw new UsageError(
    `--init '${run.path}' has the side columns ${sides.join(",")}, but the side columns here are ${here}: ` +
      `set --item-fields ${sides.join(",")}, or train without --init`,
  );
}

/** Also returns what items keep; changed: frozen items whose composed vector differs, as their side values do. */
export function composedStart(
  init: EgesInit,
  vocabulary: CarriedVocabulary,
  { names, parts, kindOf }: SideInformation,
  freezes: boolean,
): { start: SgnsStart; items: CarriedItems; changed: number } {
  const own = startOf(init, vocabulary, freezes);
  const { dim, kinds, composed } = init;
  const { from } = vocabulary;
  const found = carryRows({ attention: init.attention, shares: init.shares, composed }, from, init.space);
  const width = names.length;
  const columns = names.map((name) => kinds.indexOf(name));
  const byKind = (rows: Float32Array) => rows.map((_, i) => rows[i - (i % width) + columns[i % width]!]!);
  const items: CarriedItems = {
    stays: new Uint8Array(from.length),
    attention: byKind(found.attention),
    shares: byKind(found.shares),
  };
  const { ends, kinds: places } = parts;
  const attention = new Float32Array(kindOf.length);
  for (let v = 0; v < from.length; v++) {
    if (!own.known[v]) continue;
    if (freezes || ends[v] === ends[v + 1]) items.stays[v] = 1;
    for (let p = ends[v]!; p < ends[v + 1]!; p++) {
      const place = places[p]!;
      attention[place] = items.attention[v * width + kindOf[place]!]!;
    }
  }
  return {
    start: { ...own, composed: { attention, stays: items.stays, vectors: found.composed } },
    items,
    changed: freezes ? numChanged(parts, attention, own, { composed: found.composed, dim }) : 0,
  };
}

/** Known items whose composed vector changed. @param attention of the run, in this training's order of kinds */
function numChanged(
  parts: SgnsParts,
  attention: Float32Array,
  { known, vectors: rows }: SgnsStart,
  { composed, dim }: { composed: Float32Array; dim: number },
): number {
  const now = composedRows(parts, attention, rows, dim);
  let changed = 0;
  for (let v = 0; v < known.length; v++) {
    if (!known[v] || parts.ends[v] === parts.ends[v + 1]) continue;
    let [difference, length] = [0, 0];
    for (let i = v * dim; i < (v + 1) * dim; i++) {
      difference += (now[i]! - composed[i]!) ** 2;
      length += composed[i]! ** 2;
    }
    // adding the same vectors in a different order changes only the last digits, which does not count as a change
    if (difference > 1e-8 * length) changed++;
  }
  return changed;
}

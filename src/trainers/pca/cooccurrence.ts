// Computes a vector of each item from its co-occurrences in sessions.
//
//   #(i, j)   number of sessions with both i and j, i != j; with a window, number of event pairs within it
//   M_ij = max(0, log(#(i, j) #() / (#(i) #(j))) - log shift)        #(i) = sum over j,  #() = sum over all
//   M = U S V'     item  U S^p
//
// Source: Levy and Goldberg 2014, "Neural Word Embedding as Implicit Matrix Factorization", sections 3.3 and 4.2.

import { SparseWriter, sparseOf, transpose } from "../../dataset/sequences/interactions.js";
import type { SparseRows } from "../../compute/kernels/als/binding.js";
import { log } from "../../base/numeric/exp.js";
import { matrixTensor, type PcaModel } from "./artifact.js";
import { decompose, shared, sharesOf } from "./decompose.js";
import type { PcaOptions } from "./options.js";

/** The events of sessions, in the order in which they happened. */
interface SessionEvents {
  /** u32[numEvents] each */
  sessions: Uint32Array;
  items: Uint32Array;
  numSessions: number;
  numItems: number;
}

export async function cooccurrencePca(
  events: SessionEvents,
  options: PcaOptions,
  signal?: AbortSignal,
): Promise<PcaModel> {
  const { window, shift } = options;
  const counts = window > 0 ? countsInWindow(events, window) : countsInSessions(events);
  const information = mutualInformation(counts, shift);
  const columns = transpose(information, events.numItems);
  const found = await decompose({ rows: information, columns }, options, signal);
  const { dim, left, right, singularValues } = found;
  const shares = sharesOf(singularValues, options, events.numItems);
  return {
    ...found,
    size: { rows: events.numItems, columns: events.numItems, entries: information.indices.length },
    vectors: shared(left, shares.columns),
    tensors: { components: matrixTensor(right, dim) },
  };
}

/** Counts pairs of different items by the sessions that contain both. */
function countsInSessions({ sessions, items, numSessions, numItems }: SessionEvents): SparseRows {
  const bySession = sparseOf(sessions, items, [numSessions, numItems]);
  const byItem = transpose({ indptr: bySession.indptr, indices: bySession.indices }, numItems);
  const together = new Uint32Array(numItems);
  const out = new SparseWriter();
  for (let i = 0; i < numItems; i++) {
    const others: number[] = [];
    for (let e = byItem.indptr[i]!; e < byItem.indptr[i + 1]!; e++) {
      const s = byItem.indices[e]!;
      for (let f = bySession.indptr[s]!; f < bySession.indptr[s + 1]!; f++) {
        const j = bySession.indices[f]!;
        if (j !== i && together[j]!++ === 0) others.push(j);
      }
    }
    for (const j of Uint32Array.from(others).sort()) {
      out.add(j, together[j]!);
      together[j] = 0;
    }
    out.endRow();
  }
  return out.rows();
}

/** Counts pairs of different items by their events in one session that are at most `window` apart. */
function countsInWindow(
  { sessions, items, numSessions, numItems }: SessionEvents,
  window: number,
): SparseRows {
  const places = new Uint32Array(numSessions + 1);
  for (const s of sessions) places[s + 1]!++;
  for (let s = 0; s < numSessions; s++) places[s + 1]! += places[s]!;
  const ends = places.slice(0, numSessions);
  const ordered = new Uint32Array(items.length);
  sessions.forEach((s, e) => (ordered[ends[s]!++] = items[e]!));
  const pairs: [number[], number[]] = [[], []];
  for (let s = 0; s < numSessions; s++) {
    for (let a = places[s]!; a < places[s + 1]!; a++) {
      for (let b = a + 1; b < Math.min(a + window + 1, places[s + 1]!); b++) {
        if (ordered[a] === ordered[b]) continue;
        pairs[0].push(ordered[a]!, ordered[b]!);
        pairs[1].push(ordered[b]!, ordered[a]!);
      }
    }
  }
  return sparseOf(Uint32Array.from(pairs[0]), Uint32Array.from(pairs[1]), [numItems, numItems]);
}

/** Returns the positive part of the pointwise mutual information minus log(shift). */
function mutualInformation({ indptr, indices, values }: SparseRows, shift: number): SparseRows {
  const numItems = indptr.length - 1;
  const ofItem = new Float64Array(numItems);
  let all = 0;
  for (let i = 0; i < numItems; i++) {
    for (let e = indptr[i]!; e < indptr[i + 1]!; e++) ofItem[i]! += values ? values[e]! : 1;
    all += ofItem[i]!;
  }
  const out = new SparseWriter();
  for (let i = 0; i < numItems; i++) {
    for (let e = indptr[i]!; e < indptr[i + 1]!; e++) {
      const j = indices[e]!;
      const ratio = ((values ? values[e]! : 1) * all) / (ofItem[i]! * ofItem[j]! * shift);
      if (ratio > 1) out.add(j, log(ratio));
    }
    out.endRow();
  }
  return out.rows();
}

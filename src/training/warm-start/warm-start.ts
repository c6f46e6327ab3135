// --init: a vocabulary that goes on from an earlier run's, whatever the model.
//
//   earlier run ──► known keys, without those that have expired ──► vocabulary ──► each feature's in the earlier run
//              └──► when each key was last seen ──► the same of the new run

import { selectKeys } from "../../log/keys.js";
import { expiryOf, newestEvent, newestTimes, NEVER } from "../../dataset/vocabulary/last-seen.js";
import { checkKinds, withKnown } from "../../dataset/vocabulary/known-keys.js";
import type { FeatureSpace, Field } from "../../dataset/vocabulary/vocabulary.js";
import { UNKNOWN, type KeyHistory } from "../../embedding/key-history.js";
import type { Carried } from "../../embedding/manifest.js";
import type { Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { carriedOf, featuresFrom } from "./carried-keys.js";
import type { FittedSpace } from "../session/feature-plan.js";
import { nextHistory } from "./key-history.js";
import type { GivenTraining } from "../options/log.js";

/** An earlier run's features, and when each of its keys was last seen, by feature. */
export interface EarlierKeys {
  run: Run;
  space: FeatureSpace;
  history: KeyHistory;
}

/** A vocabulary that has gone on. */
export interface KeysGoneOn {
  space: FeatureSpace;
  /** u32[numFeatures]: which feature of the earlier run each is, or NONE */
  from: Uint32Array;
  history: KeyHistory;
  carried: Carried;
  /** fields that the earlier run has not */
  added: string[];
  notes: string[];
  warnings: string[];
}

/** @throws {UsageError} --expire is neither a time nor a number of trainings */
export function checkExpire({ expire }: Pick<GivenTraining, "expire">): void {
  // the newest event does not matter here
  expiryOf(expire, 0);
}

/** @param had of the run's vectors @throws {UsageError} --dim says otherwise */
export function checkDim(run: Run, had: number, dim: number | undefined): void {
  if (dim === undefined || dim === had) return;
  throw new UsageError(
    `--init '${run.path}' has vectors of dim ${had}, but --dim is ${dim}: omit --dim, or train without --init`,
  );
}

/**
 * The fitted space with what the earlier run knows, and what became of its keys.
 *
 * @throws {UsageError} a field is of another kind, keys are to expire by time and the log has none, or rows are to stay that
 *   must grow
 */
export function goOnFrom(
  { run, space: before, history }: EarlierKeys,
  { fitted, dataset, rows, rowOrder }: Omit<FittedSpace, "refitted" | "options">,
  { expire }: Pick<GivenTraining, "expire">,
): KeysGoneOn {
  const isHere = (name: string) => fitted.fields.some((field) => field.name === name);
  const fieldBefore = (name: string) => before.fields.find((field) => field.name === name);
  checkKinds(fitted, fieldBefore);

  // which of the known keys this log holds, and which have been gone for too long
  const seen = newestTimes(before, dataset, isHere);
  const isGone = expiryOf(expire, newestEvent(dataset));
  const expired = Uint8Array.from(seen, (time, feature) => {
    const last = history.lastSeen[feature]!;
    return time === NEVER && isGone(last === UNKNOWN ? undefined : Number(last), history.missed[feature]! + 1)
      ? 1
      : 0;
  });
  const known = new Map(
    before.fields.map((field, f) => [field.name, without(field, expired, before.offsets[f]!)]),
  );
  const space = withKnown(fitted, dataset, rows, (name) => known.get(name), rowOrder);
  const from = featuresFrom(space, before);
  const carried = { run: run.path, ...carriedOf(space, before, from, seen) };
  const { kept, unseen, expired: gone } = carried;
  return {
    ...{ space, from, carried },
    history: nextHistory(space, dataset, history, from),
    added: space.fields.flatMap(({ name }) => (fieldBefore(name) ? [] : [name])),
    notes: [
      `warm start from '${run.path}': ${kept} keys kept (${unseen} not in this log), ${carried.new} new, ` +
        `${gone} expired`,
    ],
    warnings: before.fields
      .filter(({ name }) => !isHere(name))
      .map(({ name }) => `field '${name}' of run '${run.path}' is not in this log: its rows are dropped`),
  };
}

/** The field without keys that have expired; what has no vocabulary of its own stays whole. */
function without(field: Field, expired: Uint8Array, offset: number): Field {
  if (field.kind === "number" || field.kind === "bins" || field.hash) return field;
  const stay: number[] = [];
  for (let code = 0; code < field.keys.size; code++) if (!expired[offset + 1 + code]) stay.push(code);
  return { ...field, keys: selectKeys(field.keys, Uint32Array.from(stay)) };
}

/** Warnings of fields whose keys all start anew. */
export function addedWarnings({ run }: Pick<EarlierKeys, "run">, { added }: KeysGoneOn): string[] {
  return added.map(
    (name) => `field '${name}' is not in run '${run.path}': its keys are initialized at random`,
  );
}

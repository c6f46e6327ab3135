// --init: an earlier run from which a training goes on, by key.
//
//   earlier run ──► known keys, without those that have expired ──► vocabulary ──► first parameters by feature
//              └──► when each key was last seen ──► the same of the new run

import type { Dataset } from "../dataset/dataset.js";
import { expiryOf } from "../dataset/expire.js";
import { KeyIndex } from "../dataset/key-index.js";
import { checkKinds, withKnown } from "../dataset/known-keys.js";
import { ranksItems, type Task } from "../dataset/labels.js";
import { newestEvent, newestTimes, NEVER } from "../dataset/last-seen.js";
import { selectKeys, type EarlierRows, type FeatureSpace, type Field } from "../dataset/vocabulary.js";
import { readHistory, UNKNOWN, type KeyHistory } from "../embedding/key-history.js";
import type { Carried } from "../embedding/manifest.js";
import { openRun, type Run } from "../embedding/run-directory.js";
import { UsageError } from "../errors.js";
import type { FmOptions } from "../trainers/fm/options.js";
import { readEarlier, type EarlierModel } from "../trainers/learners.js";
import type { RankingOptions } from "../trainers/ranking/options.js";
import type { Start } from "./start.js";
import { byFeature, nextHistory, NONE } from "./key-history.js";

export interface InitOptions {
  /** an earlier run, by whose keys training starts */
  init?: string;
  /** rows of the earlier run stay as they are, bit for bit */
  freeze?: "known";
  /** what the optimizer keeps goes into the run, for the next --init */
  keepState?: boolean;
  /** known keys that logs have lacked for so long are left out, see dataset/expire.ts; all stay when absent */
  expire?: string;
}

/** An earlier run, read. */
export interface EarlierRun {
  run: Run;
  model: EarlierModel;
  /** by feature of its space */
  history: KeyHistory;
}

/** A vocabulary that goes on from an earlier run. */
export interface GoneOn {
  space: FeatureSpace;
  start: Start;
  history: KeyHistory;
  carried: Carried;
  notes: string[];
  warnings: string[];
}

/**
 * Opens the run of --init, if there is one.
 *
 * @param asked what the user set of the model that is to be trained
 * @throws {UsageError} it holds another model, or vectors of another length @throws {ArtifactError} damaged
 */
export async function openEarlier(
  { init, expire, freeze }: InitOptions,
  { fm, task, ranking }: { fm: Partial<FmOptions>; task?: Task; ranking?: Partial<RankingOptions> },
): Promise<EarlierRun | undefined> {
  // a time that the log would have is of no concern here
  expiryOf(expire, 0);
  if (init === undefined) {
    if (expire !== undefined)
      throw new UsageError("--expire goes with --init RUN: it is about that run's keys");
    if (freeze !== undefined)
      throw new UsageError("--freeze known goes with --init RUN: its keys are the known ones");
    return undefined;
  }
  const run = await openRun(init);
  const model = await readEarlier(run, fm.model ?? "fm");
  const told = run.manifest.options as { method?: string; ranking?: { rankingLoss?: string } };
  checkState(init, "method", told.method, fm.method ?? "adagrad", model);
  if (task === "ranking")
    checkState(init, "loss", told.ranking?.rankingLoss, ranking?.rankingLoss ?? "bpr", model);
  const { dim, normalizeRows } = model.shared;
  if (dim !== undefined && fm.dim !== undefined && fm.dim !== dim) {
    throw new UsageError(
      `--init '${init}' holds vectors of dim ${dim}, and --dim says ${fm.dim}: leave --dim out, or train without --init`,
    );
  }
  if (fm.normalizeRows && !normalizeRows) {
    throw new UsageError(
      `--init '${init}' was trained without --normalize-rows: leave it out here too, or train without --init`,
    );
  }
  const history = await readHistory(run, model.table.numRows);
  return { run, model, history: byFeature(model.space, history) };
}

/** @throws {UsageError} the optimizer's state is of another way to train */
function checkState(
  init: string,
  flag: "method" | "loss",
  was: string | undefined,
  is: string,
  { optimizer }: EarlierModel,
): void {
  if (!optimizer || was === is) return;
  throw new UsageError(
    `--init '${init}' keeps the state of --${flag} ${was}, and this training is by ${is}: take the same ${flag}, or a run without --keep-state`,
  );
}

/** @throws {UsageError} the earlier run predicts another kind of label */
export function checkTask({ run, model: { preprocess } }: EarlierRun, task: Task): void {
  if (preprocess.task === task) return;
  const purpose = (one: Task) => (ranksItems(one) ? `--task ${one}` : `a ${one} label`);
  throw new UsageError(
    `--init '${run.path}' was trained for ${purpose(preprocess.task)}, and this is for ${purpose(task)}: ` +
      `take a run of the same kind, or train without --init`,
  );
}

/**
 * The fitted space with what the earlier run knows, where training starts, and what became of its keys.
 *
 * @param fitted  the space of this log alone, without a row order
 * @param rows    u32: the training part's rows
 * @param rowOrder rows to keep where they are
 * @throws {UsageError} a field is of another kind, keys are to expire by time and the log has none, or rows are to stay that
 *   must grow
 */
export function goOn(
  { run, model, history }: EarlierRun,
  fitted: FeatureSpace,
  dataset: Dataset,
  rows: Uint32Array,
  { expire, freeze, keepState }: InitOptions,
  rowOrder: EarlierRows,
): GoneOn {
  const before = model.space;
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
  const { blocks } = model;
  const blockPlaces = blocks && space.fields.map(({ name }) => blocks.indexOf(name));
  const newBlocks = blockPlaces
    ? space.fields.flatMap(({ name }, f) => (blockPlaces[f]! < 0 ? [name] : []))
    : [];
  if (freeze && newBlocks.length > 0) {
    const [name] = newBlocks;
    throw new UsageError(
      `--freeze known keeps rows as they are, and field '${name}' is new to run '${run.path}': every row of a field-aware ` +
        `machine has a vector for it (--ignore ${name}, or train without --freeze)`,
    );
  }
  const warnings = before.fields
    .filter(({ name }) => !isHere(name))
    .map(({ name }) => `field '${name}' of run '${run.path}' is no field here: its rows are left out`);
  const added = space.fields.filter(({ name }) => !fieldBefore(name));
  if (!blocks)
    for (const { name } of added)
      warnings.push(`field '${name}' is new to run '${run.path}': its keys start at random`);
  if (keepState && !model.optimizer)
    warnings.push(`run '${run.path}' was trained without --keep-state: its optimizer starts anew`);
  return {
    space,
    start: { ...startOf(model, from, blockPlaces), freezes: freeze !== undefined },
    history: nextHistory(space, dataset, history, from),
    carried: { run: run.path, ...carriedOf(space, before, from, seen) },
    notes: newBlocks.map(
      (name) => `field '${name}' is new to run '${run.path}': every row gets a vector for it`,
    ),
    warnings,
  };
}

/** The field without keys that have expired; what has no vocabulary of its own stays whole. */
function without(field: Field, expired: Uint8Array, offset: number): Field {
  if (field.kind === "number" || field.kind === "bins" || field.hash) return field;
  const stay: number[] = [];
  for (let code = 0; code < field.keys.size; code++) if (!expired[offset + 1 + code]) stay.push(code);
  return { ...field, keys: selectKeys(field.keys, Uint32Array.from(stay)) };
}

/** u32[numFeatures]: the feature of the earlier space with the same field and key, or NONE. */
export function featuresFrom(space: FeatureSpace, before: FeatureSpace): Uint32Array {
  const from = new Uint32Array(space.numFeatures).fill(NONE);
  space.fields.forEach((field, f) => {
    const e = before.fields.findIndex(({ name }) => name === field.name);
    if (e < 0) return;
    const [offset, earlier] = [space.offsets[f]!, before.offsets[e]!];
    from[offset] = earlier;
    const fieldBefore = before.fields[e]!;
    if (field.kind === "number" || fieldBefore.kind === "number") return;
    const index = new KeyIndex(fieldBefore.keys);
    for (let code = 0; code < field.keys.size; code++) {
      // a hole is no key, and not the earlier one's hole either
      if (field.keys.offsets[code] === field.keys.offsets[code + 1]) continue;
      const found = index.find(field.keys, code);
      if (found >= 0) from[offset + 1 + code] = earlier + 1 + found;
    }
  });
  return from;
}

/**
 * The earlier parameters by feature of the new space; zero where there are none.
 *
 * @param blockPlaces of each block of the new vectors: which it was of the earlier ones, negative for none
 */
function startOf(
  { parameters: { w0, w, vectors }, blocks, optimizer }: EarlierModel,
  from: Uint32Array,
  blockPlaces: readonly number[] | undefined,
): Omit<Start, "freezes"> {
  const numBefore = w.length;
  // rows of any width, as so many blocks
  const moved = (data: Float32Array, numBlocks = 1, places: readonly number[] = [0]): Float32Array => {
    const width = data.length / numBefore / numBlocks;
    const all = new Float32Array(from.length * places.length * width);
    from.forEach((earlier, feature) => {
      if (earlier === NONE) return;
      places.forEach((place, block) => {
        const source = (earlier * numBlocks + place) * width;
        if (place >= 0)
          all.set(data.subarray(source, source + width), (feature * places.length + block) * width);
      });
    });
    return all;
  };
  const movedVectors = (data: Float32Array) => moved(data, blocks?.length, blockPlaces);
  return {
    known: Uint8Array.from(from, (feature) => (feature === NONE ? 0 : 1)),
    w0,
    w: moved(w),
    vectors: movedVectors(vectors),
    ...(blockPlaces && { knownBlocks: Uint8Array.from(blockPlaces, (place) => (place < 0 ? 0 : 1)) }),
    ...(optimizer && {
      optimizer: { vectors: movedVectors(optimizer.vectors), w: moved(optimizer.w), w0: optimizer.w0 },
    }),
  };
}

/** What became of the earlier keys, in all and by field; out-of-vocabulary features are no keys. */
export function carriedOf(
  space: FeatureSpace,
  before: FeatureSpace,
  from: Uint32Array,
  seen: Float64Array,
): Omit<Carried, "run"> {
  const fields = space.fields.map((field, f) => {
    const counts = { kept: 0, unseen: 0, new: 0, expired: 0 };
    if (field.kind === "number") return counts;
    const isKey = (i: number) => field.keys.offsets[i] !== field.keys.offsets[i + 1];
    for (let i = 0; i < field.keys.size; i++) {
      if (!isKey(i)) continue;
      const earlier = from[space.offsets[f]! + 1 + i]!;
      if (earlier === NONE) counts.new++;
      else counts.kept++;
      if (earlier !== NONE && seen[earlier] === NEVER) counts.unseen++;
    }
    const fieldBefore = before.fields.find(({ name }) => name === field.name);
    if (fieldBefore && fieldBefore.kind !== "number")
      counts.expired = numKeys(fieldBefore.keys) - counts.kept;
    return counts;
  });
  const sum = (name: "kept" | "unseen" | "new" | "expired") =>
    fields.reduce((total, counts) => total + counts[name], 0);
  return {
    kept: sum("kept"),
    unseen: sum("unseen"),
    new: sum("new"),
    expired: sum("expired"),
    fields: Object.fromEntries(space.fields.map(({ name }, f) => [name, fields[f]!])),
  };
}

/** Keys that are no holes. */
function numKeys({ size, offsets }: { size: number; offsets: Uint32Array }): number {
  let keys = 0;
  for (let i = 0; i < size; i++) keys += offsets[i] === offsets[i + 1] ? 0 : 1;
  return keys;
}

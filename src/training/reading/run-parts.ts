// Reads the log on which a run was trained again, and splits it in the same way, to obtain data that the run does not
// store.
//
//   manifest (inputs with fingerprints, options, roles, split) ──► the same rows ──► train, valid and test split

import type { Roles } from "../../dataset/dataset.js";
import { limitEvents, type EventLimits } from "../../dataset/filters/event-limits.js";
import { withForms } from "../../dataset/numeric.js";
import type { Run } from "../../table/run-directory.js";
import { EmbedError, UsageError, NoInputError } from "../../base/errors.js";
import { isRemote, type ReadOptions } from "../../log/log.js";
import type { Part } from "../examples/examples.js";
import { splitParts, wholeOf, type SplitParts } from "./split-parts.js";
import type { Watch } from "../session/watch.js";
import { readDataset, type DatasetOptions } from "./read-dataset.js";
import type { FurtherLog } from "./open-as-trained.js";
import { isCut, type SplitFlags } from "../shared-options/split-options.js";
import { isAbsolute, join, resolve } from "node:path";
import { parseSide } from "../../dataset/side.js";
import { expandPaths } from "../../base/io/glob.js";
import { statOf } from "../../base/io/tree.js";

type StatedOptions = Partial<DatasetOptions & SplitFlags & EventLimits> & { log?: string[]; task?: string };

interface ReadAgain {
  /** number of threads; all other reading options are those of the training */
  reading: Pick<ReadOptions, "threads">;
  hashKeys?: string | undefined;
}

/**
 * Reads the splits of a run's training.
 *
 * @param wanted beginning of the error message, which states why the log is needed
 * @throws {UsageError} the inputs are missing or have changed
 */
export async function partsOfRun(
  run: Run,
  { reading, hashKeys }: ReadAgain,
  wanted: string,
  watch: Watch,
): Promise<SplitParts["parts"]> {
  const { manifest, path } = run;
  const refuse = (why: string, cause?: unknown): UsageError =>
    new UsageError(`${wanted}, but the log that run '${path}' was trained on ${why}`, { cause });
  const { log, hashKeys: _, ...stated } = manifest.options as StatedOptions;
  if (!log || log.includes("-")) throw refuse("was not a file");
  // does not use the server address in the run: the run's creator chose it, and it must not receive this user's token
  const { engine, ...statedReading } = (stated.reading ?? {}) as ReadOptions;
  const further = [
    ...[stated.valid, stated.test, stated.validLike].filter((part) => typeof part === "string"),
    ...(stated.sides ?? []).map((side) => parseSide(side).path),
  ];
  if (engine && (log.length === 0 || [...log, ...further].some(isRemote)))
    throw refuse(`was read through ${engine.address}, which is not read again here`);
  const roles = manifest.roles as Roles;
  const options: DatasetOptions & SplitFlags = {
    valid: 0,
    test: 0,
    sides: [],
    drop: [],
    multi: {},
    ignore: [],
    onBadRow: "error",
    ...stated,
    // infers columns again, because the split may depend on columns that the model does not use
    infer: true,
    unlabelled: roles.label === undefined,
    numeric: withForms(roles.numeric, stated.numeric ?? []),
    ...(stated.task === "multiclass" && { labelIsName: true }),
    hashKeys,
    reading: { ...statedReading, threads: reading.threads },
  };
  // drops notes and warnings, because the training has already reported them
  const hear: Watch = {
    signal: watch.signal,
    observe: (progress) => progress.stage === "reading" && watch.observe(progress),
  };
  let parts: SplitParts["parts"];
  let whole: Part;
  try {
    const placed = await placedInputs(run, { ...options, log });
    Object.assign(options, placed);
    const { dataset } = await readDataset(placed.log, options, hear);
    const isAsIt = manifest.inputs.every(({ sha256 }, i) => dataset.inputs[i]?.sha256 === sha256);
    if (!isAsIt || dataset.inputs.length !== manifest.inputs.length) throw refuse("has changed since");
    const limited = limitEvents(dataset, stated);
    whole = wholeOf(limited.dataset);
    // a refit uses all rows of the log, but not separate files that were held out
    if (manifest.refit && !isFile(stated.valid) && !isFile(stated.test))
      return { train: whole, valid: undefined, test: undefined };
    ({ parts } = await splitParts(limited.dataset, options, manifest.seed, hear, manifest.split.like));
  } catch (error) {
    if (error instanceof UsageError || !(error instanceof EmbedError)) throw error;
    throw refuse(`cannot be read again (${error.message})`, error);
  }
  if (parts.train.rows.length !== manifest.split.train)
    throw refuse(
      `now gives ${parts.train.rows.length} training rows instead of ${manifest.split.train}: it was split ` +
        "by another version",
    );
  if (!manifest.refit) return parts;
  const fromFile = (part: Part | undefined) => (part?.dataset === whole.dataset ? undefined : part);
  return { train: whole, valid: fromFile(parts.valid), test: fromFile(parts.test) };
}

function isFile(part: number | string | undefined): boolean {
  return typeof part === "string" && !isCut(part);
}

/** Reads a held-out split of a run's training. @throws {UsageError} it does not exist, or the log cannot be read */
export async function heldOutPart(
  run: Run,
  name: "valid" | "test",
  again: ReadAgain,
  watch: Watch,
): Promise<Part> {
  const parts = await partsOfRun(run, again, `--part ${name} needs the training log`, watch);
  return partNamed(run, parts, name);
}

/** Returns the split with the given name. @throws {UsageError} it does not exist, or a refit was trained on it */
export function partNamed(run: Run, parts: SplitParts["parts"], name: "valid" | "test"): Part {
  const part = parts[name];
  if (part) return part;
  throw new UsageError(
    whySeen(run, name) ?? `run '${run.path}' has no ${name} split: train it with --${name}`,
  );
}

/** Returns why metrics on a split would be invalid (a refit was trained on it); undefined if it was held out. */
export function whySeen(
  { path, manifest: { refit, split, options } }: Run,
  name: "valid" | "test",
): string | undefined {
  if (!refit || split[name] === 0 || isFile((options as StatedOptions)[name])) return undefined;
  return (
    `run '${path}' was trained again on all rows of its log (--refit), including its ${name} split: train it ` +
    `without --refit to evaluate --part ${name}, or evaluate it on a newer log with --on (the manifest has the ` +
    "metrics of the model before the refit)"
  );
}

/** Returns the log from which a split was cut, with the options for reading it. */
export async function logOfPart(
  run: Run,
  name: "valid" | "test",
  { reading, hashKeys }: ReadAgain,
): Promise<FurtherLog> {
  const {
    log = [],
    sides = [],
    valid = 0,
    test = 0,
    maxBad,
    ...stated
  } = run.manifest.options as StatedOptions;
  const placed = await placedInputs(run, { log, sides, valid, test });
  const part = placed[name];
  const { onBadRow = "error" } = stated;
  return {
    on: isFile(part) ? [part as string] : placed.log,
    reading: { ...(stated.reading as ReadOptions), onBadRow, threads: reading.threads },
    hashKeys,
    maxBad,
  };
}

interface NamedInputs {
  log: string[];
  sides: string[];
  valid: number | string;
  test: number | string;
}

/**
 * Resolves the paths of the inputs: relative to the folder of the training or, for runs of earlier versions, to the
 * current folder. The caller compares the files with the checksums of the manifest.
 *
 * @throws {NoInputError} a path does not exist in either folder; the message names both
 */
async function placedInputs(run: Run, { log, sides, valid, test }: NamedInputs): Promise<NamedInputs> {
  const placed = (path: string) => placedPath(run, path);
  const part = async (given: number | string) =>
    typeof given === "string" && !isCut(given) ? (await placed(given))[0]! : given;
  const side = async (given: string) => {
    const { path } = parseSide(given);
    return `${(await placed(path))[0]!}${given.slice(path.length)}`;
  };
  return {
    log: (await Promise.all(log.map(placed))).flat(),
    sides: await Promise.all(sides.map(side)),
    valid: await part(valid),
    test: await part(test),
  };
}

async function placedPath({ givenIn, path: run }: Run, path: string): Promise<string[]> {
  const places = isAbsolute(path) ? [path] : [...(givenIn === undefined ? [] : [join(givenIn, path)]), path];
  for (const place of places) {
    const found = await expandPaths([place]).catch((error: unknown) => {
      if (error instanceof NoInputError) return [];
      throw error;
    });
    const kinds = await Promise.all(found.map(statOf));
    // rejects pipes and devices, because the run may come from an untrusted source
    if (found.length > 0 && kinds.every((kind) => kind?.isFile || kind?.isDirectory)) return found;
  }
  const tried = [...new Set(places.map((place) => resolve(place)))]
    .map((place) => `'${place}'`)
    .join(" and ");
  throw new NoInputError(`'${path}', recorded in run '${run}', was not found at ${tried}: restore it there`);
}

// `embed reproduce`: repeats the training that a run's manifest describes, and compares the files of both runs.
//
//   manifest ──► inputs, checked by their checksums ──► the same training (and alignment) ──► equal and different files

import { join } from "node:path";
import { contentsOf, namedInput } from "../../training/session/describe-run.js";
import { decisive, flagNamed, resolved, type OptionTable } from "../../options/table.js";
import { valueText } from "../../options/check-given.js";
import type { Watch } from "../../training/session/watch.js";
import { encodeWith, type EncodedAs } from "../../use/encode.js";
import { reproduceOptions, type ReproduceOptions } from "../../use/options.js";
import { DATASET_MARKER } from "../../dataset/encoded/description.js";
import { RUN_MARKER, type TrainingRequest, type Manifest } from "../../table/manifest.js";
import { openRun, type Run } from "../../table/run-directory.js";
import { DataError, NoInputError, UsageError } from "../../base/errors.js";
import { checkArtifact, pathExists } from "../../base/io/read-artifact.js";
import { version } from "../../base/io/package-version.js";
import { isRemote } from "../../log/log.js";
import { statOf } from "../../base/io/tree.js";
import { withTemporaryDirectory } from "../../base/io/leftovers.js";
import { alignRun } from "../../use/align.js";
import { train } from "../../training/session/session.js";
import { requestOf } from "./run-recipe.js";

/** Maximum difference of metrics between two trainings on a server, where the order of floating-point sums varies. */
export const ENGINE_BOUND = 0.005;

export interface Reproduction {
  command: "reproduce";
  version: string;
  run: string;
  /** version of embed that trained the run */
  trainedBy: string;
  agrees: boolean;
  /** names of the files of both runs that are equal, and that differ; timings in files are ignored */
  files: { file: string; agrees: boolean; why?: string }[];
  /** metrics in the manifest and of the repeated training; only if a file differs */
  metrics?: { part: string; metric: string; recorded: number; now: number }[];
  /** maximum difference of metrics; only for a run trained on a server, whose vectors may have other bytes */
  metricsWithin?: number;
}

/**
 * Repeats the training of a run and compares the files of both runs.
 *
 * @throws {NoInputError} an input is missing @throws {DataError} an input has changed
 * @throws {UsageError} the manifest lacks the training's options, or the training was interrupted
 * @throws {ArtifactError} the run is damaged
 */
export async function reproduce(path: string, given: ReproduceOptions, watch: Watch): Promise<Reproduction> {
  const options = resolved(reproduceOptions, given);
  const { threads } = options;
  const run = await openRun(path);
  const { manifest } = run;
  for (const [file, expected] of Object.entries(manifest.files))
    await checkArtifact(join(path, file), expected);
  const { asked, trainer } = await requestOf(run, "reproduce");
  if (manifest.interrupted)
    throw new UsageError(
      `cannot reproduce run '${path}': its training was interrupted by a signal (interrupted: true)`,
    );
  checkEngine(path, asked, options);
  // the log was an encoded dataset that was removed, and can be encoded again
  const isGone = asked.encoded !== undefined && !(await pathExists(asked.log[0]!));
  await checkInputs(run, asked, isGone);
  if (manifest.version !== version) {
    const text = `run '${path}' was trained by embed ${manifest.version}, this is ${version}: bytes may differ`;
    watch.observe({ stage: "warning", text });
  }
  return await withTemporaryDirectory("reproduce", async (folder) => {
    const { alignment } = manifest;
    const out = options.keep ?? join(folder, "run");
    const trained = alignment ? join(folder, "trained") : out;
    const log = isGone ? [await encodeAgain(asked, join(folder, "dataset"), threads, watch)] : asked.log;
    const { keep: _, ...machine } = options;
    const isTaken = (name: string) => Object.hasOwn(given, name) && Object.hasOwn(trainer.options, name);
    const taken = Object.entries(machine).filter(([name]) => isTaken(name));
    const own = { ...asked.options, ...Object.fromEntries(taken), out: trained };
    await train(trainer, log, own, watch);
    const earlier = earlierDefaults(manifest, (await openRun(trained)).manifest, trainer.options);
    const changed = Object.entries(earlier).map(([name, value]) => `${flagNamed(name)} ${valueText(value)}`);
    if (changed.length > 0) {
      const text = `defaults have changed since run '${path}' was trained: training again with ${changed.join(" ")}`;
      watch.observe({ stage: "warning", text });
      await train(trainer, log, { ...own, ...earlier, force: true }, watch);
    }
    if (alignment) await alignRun(trained, { to: alignment.to, out, threads }, watch.signal);
    const again = withoutOptions(await openRun(out), Object.keys(earlier));
    const files = await compareFiles(run, again, trainer.options, (text) =>
      isGone
        ? text.replaceAll(JSON.stringify(log[0]).slice(1, -1), JSON.stringify(asked.log[0]).slice(1, -1))
        : text,
    );
    const agrees = files.every((file) => file.agrees);
    return {
      ...{ command: "reproduce", version, run: path, trainedBy: manifest.version, agrees, files },
      ...(!agrees && { metrics: metricsOfBoth(manifest, again.manifest) }),
      ...(manifest.engine && { metricsWithin: ENGINE_BOUND }),
    };
  });
}

function checkEngine(path: string, { options: asked }: TrainingRequest, { engine }: ReproduceOptions): void {
  // the address in a foreign manifest could receive the user's token, so the user must name the server
  const { engine: server, engineTrain } = asked as { engine?: unknown; engineTrain?: unknown };
  if (typeof server === "string" && engine === undefined)
    throw new UsageError(
      engineTrain === true
        ? `run '${path}' was trained on ${server}: name the server with --engine to train it there again`
        : `run '${path}' was trained on a log that was read through ${server}: name the server with --engine to read ` +
            "it there again",
    );
  if (engine !== undefined && asked["engine"] === undefined)
    throw new UsageError(`the log of run '${path}' was not read through a server: omit --engine`);
}

async function checkInputs(
  { manifest }: Run,
  { log, inputs, runs }: TrainingRequest,
  isGone: boolean,
): Promise<void> {
  for (const { path, sha256 } of inputs) {
    if (isGone && path === join(log[0]!, DATASET_MARKER)) continue;
    // a file on a server cannot be checked here; if its rows have changed, the repeated training gives a different run
    if (isRemote(path)) continue;
    if (path === "-")
      throw new NoInputError("the log was read from standard input: write it to a file and train from there");
    // a foreign manifest may name a pipe or a device, which would be read without end
    const kind = await statOf(path);
    if (kind && !kind.isFile && !kind.isDirectory)
      throw new DataError(`input '${path}' is not a file: restore it to reproduce the run`);
    if ((await namedInput(path)).sha256 !== sha256)
      throw new DataError(
        `input '${path}' has changed since the run was trained: restore it to reproduce the run`,
      );
  }
  for (const { path, sha256 } of runs) {
    if (contentsOf(await openRun(path)) !== sha256)
      throw new DataError(
        `run '${path}', which the training was warm-started from, has changed: restore the earlier one to ` +
          "reproduce the run",
      );
  }
  const { alignment } = manifest;
  if (
    alignment &&
    (await openRun(alignment.to)).manifest.files["embeddings.arrow"]?.sha256 !== alignment.toTable.sha256
  )
    throw new DataError(
      `run '${alignment.to}', which the run was aligned to, has changed: restore the earlier one`,
    );
}

/** Encodes a removed dataset again. @throws {DataError} the new dataset differs from the recorded one */
async function encodeAgain(
  { log, encoded, inputs }: TrainingRequest,
  out: string,
  threads: number,
  watch: Watch,
): Promise<string> {
  const { options, log: paths } = encoded!;
  if ((options["reading"] as { engine?: unknown } | undefined)?.engine !== undefined)
    throw new UsageError(
      `dataset '${log[0]}' no longer exists, and was encoded through a server: encode it there again to reproduce ` +
        "the run",
    );
  const reading = { ...(options["reading"] as object), threads } as EncodedAs["reading"];
  const given = { ...options, onBadRow: reading.onBadRow, out, force: false, reading } as EncodedAs;
  await encodeWith(paths, given, watch);
  const before = inputs.find(({ path }) => path === join(log[0]!, DATASET_MARKER));
  if ((await namedInput(out)).sha256 !== before?.sha256)
    throw new DataError(
      `dataset '${log[0]}' no longer exists, and encoding ${paths.join(", ")} ` +
        `gives a different one: restore the log to reproduce the run`,
    );
  return out;
}

/** Returns the recorded values of the options that the user did not set and whose defaults have changed. */
function earlierDefaults(
  { asked, options }: Manifest,
  again: Manifest,
  table: OptionTable,
): Record<string, unknown> {
  // a search tried values of the options, so the recorded ones are not defaults
  if (asked!.options["search"] !== undefined) return {};
  const differs = ([name, value]: [string, unknown]) =>
    JSON.stringify(value) !== JSON.stringify((again.options as Record<string, unknown>)[name]);
  return Object.fromEntries(
    Object.entries(decisive(table, options as Record<string, unknown>)).filter(
      (entry) => Object.hasOwn(table, entry[0]) && asked!.options[entry[0]] === undefined && differs(entry),
    ),
  );
}

/** Returns the run with a manifest that lacks the given options, as if the user had not set them. */
function withoutOptions(run: Run, names: readonly string[]): Run {
  const { asked } = run.manifest;
  const options = Object.entries(asked!.options).filter(([name]) => !names.includes(name));
  return {
    ...run,
    manifest: { ...run.manifest, asked: { ...asked!, options: Object.fromEntries(options) } },
  };
}

async function compareFiles(
  run: Run,
  again: Run,
  table: OptionTable,
  named: (text: string) => string,
): Promise<Reproduction["files"]> {
  const [own, other] = [run.manifest.files, again.manifest.files];
  const names = [...new Set([...Object.keys(own), ...Object.keys(other)])];
  const files: Reproduction["files"] = [];
  for (const file of names) {
    const why = !own[file] ? "only in the new run" : !other[file] ? "not in the new run" : undefined;
    const isSame = why === undefined && own[file]!.sha256 === other[file]!.sha256;
    if (why !== undefined || isSame) files.push({ file, agrees: isSame, why });
    else if (file === "metrics.jsonl") files.push({ file, agrees: await linesAgree(run, again) });
    else if (isTable(file, run)) files.push({ file, agrees: true, why: "other bytes: a server trained it" });
    else files.push({ file, agrees: false });
  }
  const differing = differingKeys(run.manifest, again.manifest, table, named);
  const why = { why: `${differing.join(", ")} differ` };
  files.push({ file: RUN_MARKER, agrees: differing.length === 0, ...(differing.length > 0 && why) });
  return files;
}

function metricsOfBoth(a: Manifest, b: Manifest): NonNullable<Reproduction["metrics"]> {
  return Object.entries(a.metrics).flatMap(([part, metrics]) =>
    Object.entries(metrics).flatMap(([metric, recorded]) => {
      const now = (b.metrics[part] as Record<string, unknown> | undefined)?.[metric];
      return typeof recorded === "number" && typeof now === "number" ? [{ part, metric, recorded, now }] : [];
    }),
  );
}

function isTable(file: string, { manifest: { engine, model } }: Run): boolean {
  return engine !== undefined && (/^embeddings.*\.arrow$/.test(file) || file.startsWith(`model/${model}.`));
}

/** Returns whether two values have the same structure and numbers that differ by at most ENGINE_BOUND. */
export function areClose(a: unknown, b: unknown): boolean {
  if (typeof a === "number" && typeof b === "number") return Math.abs(a - b) <= ENGINE_BOUND;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const [x, y] = [a, b] as Record<string, unknown>[];
  const keys = [...new Set([...Object.keys(x!), ...Object.keys(y!)])];
  return keys.every((key) => areClose(x![key], y![key]));
}

async function linesAgree(run: Run, again: Run): Promise<boolean> {
  const [own, other] = await Promise.all(
    [run, again].map(async (one) =>
      (await one.readMetricsLines()).map(({ seconds: _, rowsPerSecond: __, ...line }) => line),
    ),
  );
  return run.manifest.engine ? areClose(own, other) : JSON.stringify(own) === JSON.stringify(other);
}

/** Returns the members in which two manifests differ, apart from times, versions and options without an effect. */
function differingKeys(
  a: Manifest,
  b: Manifest,
  table: OptionTable,
  named: (text: string) => string,
): string[] {
  const valueOf = (manifest: Manifest, key: string): string => {
    const value = manifest[key as keyof Manifest];
    if (key !== "options") return named(JSON.stringify(value) ?? "");
    // sorts options, because their order may differ between versions of embed
    const options = Object.entries(decisive(table, value as Record<string, unknown>)).sort(([a], [b]) =>
      a < b ? -1 : 1,
    );
    return named(JSON.stringify(options));
  };
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return keys.filter((key) => {
    if (["timings", "files", "version", "from"].includes(key)) return false;
    // manifests of earlier versions lack the member `seen`
    if (key === "seen" && a.seen === undefined) return false;
    if (a.engine && b.engine) {
      // for runs trained on a server, compares metrics with a tolerance, and ignores the server's version
      if (key === "engine") return a.engine.trainer !== b.engine.trainer;
      if (key === "metrics") return !areClose(a.metrics, b.metrics);
      if (key === "refit" && a.refit && b.refit)
        return a.refit.epochs !== b.refit.epochs || !areClose(a.refit.metrics, b.refit.metrics);
    }
    return valueOf(a, key) !== valueOf(b, key);
  });
}

// Opens an encoded dataset in place of the log that it was encoded from.

import { sizeText, UsageError } from "../../base/errors.js";
import type { ReadOptions } from "../../log/log.js";
import type { Dataset, ReadingStep } from "../dataset.js";
import { pendingSteps, type DatasetStep } from "../steps.js";
import { ofLog } from "../time-fields.js";
import { checkReading, playRoles, shapingOf, type EncodedShaping, type RoleRequest } from "./play-roles.js";
import { isEncodedDataset, readDescription, readEncoded, rowBytes } from "./read.js";

export interface EncodedRequest extends RoleRequest {
  reading: ReadOptions;
  /** maximum bytes of the rows in memory; larger datasets stay on disk. Unlimited when absent */
  maxMemory?: number;
  /** maximum bytes of these rows, if it is not maxMemory */
  rowMemory?: number;
  /** flags that require all rows in memory, regardless of maxMemory */
  wholeFor?: readonly string[];
  hashKeys?: string;
  /** set if an engine is named, which reads no encoded dataset: text that the error adds to its advice */
  engineAdvice?: string;
}

export interface OpenedEncoded {
  dataset: Dataset;
  /** the recorded steps */
  steps: ReadingStep[];
  /** the steps that the requested roles need */
  roleSteps: DatasetStep[];
  warnings: string[];
  shaping: EncodedShaping;
}

/**
 * Returns the encoded dataset among the paths.
 *
 * @throws {UsageError} there are other paths, too; or an engine is named
 */
export async function encodedAmong(
  paths: readonly string[],
  { engineAdvice: advice }: Pick<EncodedRequest, "engineAdvice">,
): Promise<string | undefined> {
  for (const path of paths) {
    if (!(await isEncodedDataset(path))) continue;
    if (advice !== undefined)
      throw new UsageError(
        `dataset '${path}' is on this machine and is not read through a server: omit --engine${advice}`,
      );
    if (paths.length === 1) return path;
    throw new UsageError(
      `'${path}' is an encoded dataset and cannot be combined with ${paths.length - 1} other inputs`,
    );
  }
  return undefined;
}

/**
 * Reads the encoded dataset among the paths, with the roles that a command requests.
 *
 * @param later steps that will run on the dataset, in memory, unless the dataset has been through them
 * @param warn called before the rows are read if they need more memory than allowed
 * @returns undefined if no path is an encoded dataset; with the recorded steps, and those that the roles need
 * @throws {UsageError} an option contradicts the encoding
 */
export async function openEncoded(
  paths: readonly string[],
  request: EncodedRequest,
  later: readonly DatasetStep[],
  warn: (text: string) => void,
): Promise<OpenedEncoded | undefined> {
  const path = await encodedAmong(paths, request);
  if (path === undefined) return undefined;
  const { maxMemory = Infinity, rowMemory = maxMemory, hashKeys } = request;
  const description = await readDescription(path);
  checkReading(path, description.options.reading, request.reading, request.infer);
  const shaping = shapingOf(description, request);
  const wholeFor = [
    ...(request.wholeFor ?? []),
    ...(hashKeys === undefined || description.hashKeys ? [] : ["--hash-keys"]),
    ...pendingSteps(description.steps, later).map(({ by }) => by),
  ];
  const bytes = rowBytes(description);
  if (bytes > maxMemory && wholeFor.length > 0)
    warn(
      `${wholeFor.join(", ")} ${wholeFor.length === 1 ? "needs" : "need"} all rows in memory, ` +
        `about ${sizeText(bytes)}, regardless of --max-memory (${sizeText(maxMemory)})`,
    );
  const encoded = await readEncoded(path, wholeFor.length > 0 ? Infinity : rowMemory, description);
  const { dataset, roleSteps } = playRoles(encoded, ofLog(request));
  return { dataset, roleSteps, steps: description.steps, warnings: leftOutWarnings(dataset), shaping };
}

/** Warns about columns that were excluded from the features when a dataset was encoded. */
function leftOutWarnings({ roles: { leftOut = [] } }: Dataset): string[] {
  return leftOut.map(
    (name) =>
      `'${name}' had fewer than two rows per key when the log was encoded and is not used as a feature: ` +
      `--ignore ${name} silences this warning, --fields with all feature names includes it`,
  );
}

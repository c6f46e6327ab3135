// Finds the run from which `embed init` makes a pipeline: a run in a page of `embed compare`, in a folder of runs, or
// at a path.

import { dirname, join, relative } from "node:path";
import { readHandedOver } from "../recipes/handed-over.js";
import { encodeOptions } from "../api/options.js";
import { recipeOf, type RunRecipe } from "../recipes/run-recipe.js";
import type { StarterTrainer } from "../config/pipeline-starter.js";
import { RUN_MARKER } from "../embedding/manifest.js";
import { openRun } from "../embedding/run-directory.js";
import { nearestName, UsageError } from "../errors.js";
import { pathExists } from "../io/read-artifact.js";
import { entriesOf, statOf } from "../io/tree.js";
import { trainerOf } from "../trainers/index.js";
import { LATEST_VERSION, NO_PATHS } from "./commands.js";
import { inFolder } from "./exports.js";
import { optionLines, pathsFrom } from "./option-lines.js";
import type { InitOptions } from "./options.js";

/** A recipe, the options that repeat a run's training, with paths relative to the working directory. */
export interface RecipeSource {
  recipe: RunRecipe;
  /** description for messages and comments, such as `run 'clicks-runs/fm'` */
  title: string;
}

/**
 * Finds the run that the options of `embed init` name, and returns the recipe of its training; undefined if they name
 * none.
 *
 * @throws {UsageError} the page or folder has no such run, or none can be chosen; or the run's training cannot be
 *   repeated
 */
export async function recipeSource({ from, like, run }: InitOptions): Promise<RecipeSource | undefined> {
  if (like !== undefined) return await ofRun(like);
  if (from === undefined) return undefined;
  const found = await statOf(from);
  return found?.isDirectory ? await ofFolder(from, run) : await ofPage(from, run);
}

async function ofRun(path: string): Promise<RecipeSource> {
  const run = await openRun(path);
  return await placed(await recipeOf(run, path), relative(".", run.givenIn ?? ".") || ".", `run '${path}'`);
}

/**
 * Returns a recipe with its paths relative to the working directory instead of `folder`.
 * @throws {UsageError} the recipe has unknown options
 */
async function placed(recipe: RunRecipe, folder: string, title: string): Promise<RecipeSource> {
  const { command, log, encoding, training } = recipe;
  const trainer = await trainerOf(command);
  const known = { ...encodeOptions, ...trainer?.options };
  const unknown = Object.keys({ ...encoding, ...training }).find((name) => !Object.hasOwn(known, name));
  if (!trainer || unknown !== undefined)
    throw new UsageError(
      `${title} was trained by another version of embed: this one has no ${trainer ? `option '${unknown}'` : `command '${command}'`}`,
    );
  return {
    recipe: {
      ...recipe,
      log: log.map((path) => (path === "-" ? path : inFolder(folder, path))),
      encoding: await pathsFrom(encodeOptions, encoding, folder),
      training: await pathsFrom(trainer.options, training, folder),
    },
    title,
  };
}

/**
 * Returns the entry of a pipeline file for a training that repeats the recipe. @param folder folder of the pipeline
 * file; undefined if the file is printed
 */
export async function trainerOfSource(
  { recipe, title }: RecipeSource,
  folder: string | undefined,
): Promise<StarterTrainer> {
  const { command, metric, field, aligns } = recipe;
  const training = { ...recipe.training };
  const { init } = training;
  // a run that was trained from an earlier run starts each version from the latest one; a start from the table of
  // another command is kept
  if (
    typeof init === "string" &&
    !NO_PATHS.includes(init) &&
    (await openRun(init)).manifest.command === command
  )
    training["init"] = LATEST_VERSION;
  const { options: table } = (await trainerOf(command))!;
  return {
    ...{ command, comment: `as ${title} was trained` },
    options: await optionLines(table, training, folder),
    ...{ metric, field, aligns },
  };
}

async function ofPage(page: string, name: string | undefined): Promise<RecipeSource> {
  const { recipes, best, from } = await readHandedOver(page);
  const wanted = name ?? best;
  if (wanted === undefined)
    throw new UsageError(
      `'${page}' has only baselines: choose one with --run, ${recipes.map((one) => one.name).join(", ")}`,
    );
  const recipe = recipes.find((one) => one.name === wanted);
  if (!recipe)
    throw noSuchRun(
      page,
      wanted,
      recipes.map((one) => one.name),
    );
  return await placed(recipe, join(dirname(page), from), `'${wanted}' of '${page}'`);
}

/**
 * Returns the recipe of a run that the user names in a folder of runs; the folder does not record which of them is
 * best.
 */
async function ofFolder(folder: string, name: string | undefined): Promise<RecipeSource> {
  if (await pathExists(join(folder, RUN_MARKER))) return await ofRun(folder);
  const names: string[] = [];
  for (const entry of await entriesOf(folder))
    if (await pathExists(join(folder, entry.name, RUN_MARKER))) names.push(entry.name);
  if (names.length === 0)
    throw new UsageError(`'${folder}' has no runs: name a page of embed compare, or a run`);
  const wanted = name ?? (names.length === 1 ? names[0]! : undefined);
  if (wanted === undefined)
    throw new UsageError(
      `'${folder}' has several runs: choose one with --run, ${names.join(", ")}; the page of the comparison knows the best`,
    );
  if (!names.includes(wanted)) throw noSuchRun(folder, wanted, names);
  return await ofRun(join(folder, wanted));
}

function noSuchRun(where: string, name: string, names: readonly string[]): UsageError {
  const near = nearestName(name, names);
  return new UsageError(
    `'${where}' has no run '${name}'${near === undefined ? "" : `, did you mean '${near}'?`}: it has ${names.join(", ")}`,
  );
}

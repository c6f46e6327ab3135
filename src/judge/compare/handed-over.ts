// A page of `embed compare` has the recipe of each run for `embed init`, as JSON in an element that no browser runs.
//
//   runs ──► recipes, the best first ──► <script type="application/json"> ──► readHandedOver ──► a pipeline file

import { dirname, relative, resolve } from "node:path";
import { NoInputError, UsageError } from "../../base/errors.js";
import { list, number, object, parseJson, path, text } from "../../base/io/json-shape.js";
import { readText } from "../../base/io/read-text.js";
import { kindAt } from "../../base/io/tree.js";
import { version } from "../../base/io/package-version.js";
import { recipeShape, type RunRecipe } from "../reproduce/run-recipe.js";

const ELEMENT = "embed-compare";
const SCHEMA_VERSION = 1;

interface HandedOver {
  schemaVersion: number;
  version: string;
  /** folder to which relative paths in the recipes refer, as a path relative to the page's folder */
  from: string;
  /** name of the best embedding; absent if only baselines were trained */
  best?: string;
  recipes: RunRecipe[];
}

const shape = object({ from: path, recipes: list(recipeShape) }, { best: text });

/** Returns the markup of the element that contains the recipes. @param page path of the page's file */
export function handedOverMarkup(page: string, best: string | undefined, recipes: RunRecipe[]): string {
  const from = relative(dirname(resolve(page)), ".") || ".";
  const content: HandedOver = {
    ...{ schemaVersion: SCHEMA_VERSION, version, from },
    ...(best !== undefined && { best }),
    recipes,
  };
  // escapes <, so that no text of the log can end the element
  const json = JSON.stringify(content).replaceAll("<", "\\u003c").replaceAll("\u2028", "\\u2028");
  return `<script type="application/json" id="${ELEMENT}">${json}</script>`;
}

/**
 * Reads the recipes of the runs that a page of `embed compare` contains.
 *
 * @throws {UsageError} the file is not a complete page of this version of `embed compare`
 * @throws {NoInputError} the file cannot be read
 * @throws {ArtifactError} the element with the recipes is damaged
 */
export async function readHandedOver(page: string): Promise<HandedOver> {
  if ((await kindAt(page)) === undefined) throw new NoInputError(`page '${page}' does not exist`);
  const html = await readText(page);
  const again = "compare again, or name a run with --like RUN";
  if (!/^<!doctype html>/i.test(html) || !html.includes("embed report"))
    throw new UsageError(`'${page}' is not a page of embed compare: ${again}`);
  if (!html.trimEnd().endsWith("</html>"))
    throw new UsageError(`'${page}' ends in the middle, so it was not copied whole: copy it again, ${again}`);
  const found = new RegExp(`<script type="application/json" id="${ELEMENT}">(.*?)</script>`, "s").exec(
    html,
  )?.[1];
  if (found === undefined)
    throw new UsageError(
      html.includes('id="leaderboard"')
        ? `'${page}' was written by an earlier version of embed, whose pages do not say how the runs were trained: ${again}`
        : `'${page}' is a report of runs that were not compared: ${again}`,
    );
  const content = parseJson(
    Buffer.from(found),
    object({ schemaVersion: number, version: text }),
    page,
    again,
  ) as HandedOver;
  if (content.schemaVersion !== SCHEMA_VERSION)
    throw new UsageError(
      `'${page}' was written by another version of embed (${content.version}, this is ${version}): ${again}`,
    );
  return parseJson(Buffer.from(found), shape, page, again) as HandedOver;
}

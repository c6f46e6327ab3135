// The page about runs: sections in the order in which a table is evaluated.

import { calibration } from "./calibration.js";
import type { ReportContent } from "./content.js";
import { htmlDocument } from "./document.js";
import { drift } from "./drift.js";
import { facts } from "./facts.js";
import { gates } from "./gates.js";
import { history } from "./history.js";
import { html, type Markup, shortened, countText } from "./html.js";
import { importances } from "./importances.js";
import { itemMaps } from "./item-map.js";
import { leaderboard } from "./leaderboard.js";
import { learningCurves } from "./learning-curves.js";
import { metrics } from "./metrics.js";
import { neighbors } from "./neighbors.js";
import { norms } from "./norms.js";
import { loadPen } from "./plot.js";
import { scree } from "./scree.js";
import { shares } from "./shares.js";
import { searches } from "./search.js";

/** Maximum number of runs on a page, because each run has its own color. */
export const MOST_RUNS = 9;

/**
 * Returns the page as HTML. The same content gives the same text.
 *
 * @param content runs with distinct names, at most MOST_RUNS
 */
export async function reportPage(content: ReportContent): Promise<string> {
  const pen = await loadPen();
  const { runs, scoredOn, absent, version } = content;
  const sections = [
    leaderboard(content.leaderboard),
    metrics(runs),
    learningCurves(pen, runs),
    searches(pen, runs),
    calibration(pen, runs, scoredOn),
    importances(pen, runs),
    shares(pen, runs),
    scree(pen, runs),
    itemMaps(pen, runs),
    neighbors(runs),
    norms(pen, runs),
    drift(pen, runs),
    history(pen, runs),
    gates(runs),
    facts(runs),
  ].filter((section) => section !== undefined);
  const names = runs.map(({ name }) => shortened(name, 60));
  const title =
    names.length > MOST_NAMED
      ? `${names.slice(0, MOST_NAMED).join(" · ")} and ${names.length - MOST_NAMED} more runs`
      : names.join(" · ");
  return await htmlDocument({
    title,
    command: "embed report",
    subtitle: subtitle(content),
    sections,
    absent,
    version,
    data: content.handedOver,
  });
}

/** Maximum number of runs that are named in the page's title. */
const MOST_NAMED = 4;

/** Returns the line below the title: the number of runs, and their input. */
function subtitle({ runs }: ReportContent): Markup {
  const rows = new Set(
    runs.map(({ manifest: { refit, split, rows: all } }) => refit?.rows ?? split?.train ?? all),
  );
  const of = rows.size === 1 ? `trained on ${countText([...rows][0]!, "row")}` : "trained on different rows";
  const commands = [...new Set(runs.map(({ manifest }) => `embed ${manifest.command}`))].join(", ");
  return html`<p>${runs.length > 1 ? `${runs.length} runs, ` : ""}${commands}, ${of}</p>`;
}

// The page about runs: sections in the order in which a table is evaluated.

import { calibration } from "./calibration.js";
import type { Gate, NeighborList, ReportContent, ReportedRun, ReportedTable, PageRuns } from "./content.js";
import { htmlDocument } from "./document.js";
import { drift } from "./drift.js";
import { facts } from "./facts.js";
import { history } from "./history.js";
import { html, type Markup, shortened, countText, htmlTable, instant, short, keyMarkup } from "./html.js";
import { importances, shares } from "./importances.js";
import { itemMaps } from "./item-map.js";
import { leaderboard, metrics } from "./metrics.js";
import { learningCurves } from "./learning-curves.js";
import { norms } from "./norms.js";
import { loadPen, runTitle, type Section } from "./plot.js";
import { scree } from "./scree.js";
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

function subtitle({ runs }: ReportContent): Markup {
  const rows = new Set(
    runs.map(({ manifest: { refit, split, rows: all } }) => refit?.rows ?? split?.train ?? all),
  );
  const of = rows.size === 1 ? `trained on ${countText([...rows][0]!, "row")}` : "trained on different rows";
  const commands = [...new Set(runs.map(({ manifest }) => `embed ${manifest.command}`))].join(", ");
  return html`<p>${runs.length > 1 ? `${runs.length} runs, ` : ""}${commands}, ${of}</p>`;
}

type Gated = ReportedRun & { gates: readonly Gate[] };

export function gates(runs: PageRuns): Section | undefined {
  const gated = runs.filter((run): run is Gated => (run.gates?.length ?? 0) > 0);
  if (gated.length === 0) return undefined;
  return {
    id: "gates",
    title: "Gates",
    lead: html`The bounds that were checked before this table was published. A bound that compares with the
    last version is not compared where that lacks the value.`,
    body: html`${gated.map((run) => html`${runs.length > 1 ? html`<h3>${runTitle(runs, run)}</h3>` : undefined}${gateTable(run)}`)}`,
  };
}

const MARKS: Record<Gate["status"], string> = {
  passed: "✓ passed",
  failed: "✗ failed",
  notCompared: "– not compared",
  measured: "no bound",
  accepted: "✓ accepted",
};

function gateTable({ gates: all }: Gated): Markup {
  const rows = all.map(({ gate, bound, value, previous, status, message }) => [
    html`<span class="key">${shortened(gate, 60)}</span>`,
    html`<span class="${status}">${MARKS[status]}</span>`,
    html`${shortened(bound, 80)}`,
    html`${status === "failed" ? shortened(message, 300) : ""}`,
    gateValueText(gate, value),
    gateValueText(gate, previous),
  ]);
  return htmlTable(["gate", "", "bound", "", "value", "last version"], rows, 4);
}

/** Formats a gate's value: that of the gate `newest` is the time of the newest event, all others are numbers. */
function gateValueText(gate: string, value: number | null): string {
  return gate === "newest" && value !== null ? instant(value) : short(value);
}

type WithTable = ReportedRun & { table: ReportedTable };

export function neighbors(runs: PageRuns): Section | undefined {
  const shown = runs.filter((run): run is WithTable => (run.table?.neighbors.length ?? 0) > 0);
  if (shown.length === 0) return undefined;
  const keys = [...new Set(shown.flatMap(({ table }) => table.neighbors.map(({ key }) => key)))];
  const notes = [...new Set(shown.flatMap(({ table: { note } }) => note ?? []))];
  return {
    id: "neighbors",
    title: "Nearest neighbors",
    lead: html`The nearest rows by cosine of a few
    keys.${notes.length > 0 ? ` Here ${notes.join("; ")}.` : undefined}`,
    body: html`<div class="cards">${keys.map((key) => card(runs, shown, key))}</div> `,
  };
}

function card(runs: PageRuns, shown: readonly WithTable[], key: string): Markup {
  const lists = shown.map((run) => ({ run, list: run.table.neighbors.find((one) => one.key === key) }));
  const { name, count } = lists.find(({ list }) => list)!.list!;
  const events = count > 0 ? html`<small>${countText(count, "event")}</small>` : undefined;
  return html`<article>
    <h3>${keyMarkup({ key, name })} ${events}</h3>
    ${lists.map(({ run, list }) => html`${runs.length > 1 ? html`<h4>${runTitle(runs, run)}</h4>` : undefined}${listOf(list)}`)}
  </article> `;
}

function listOf(list: NeighborList | undefined): Markup {
  if (!list) return html`<p class="quiet">not a row of this run</p>`;
  if (list.nearest.length === 0)
    return html`<p class="quiet">near nothing: its vector is zero, or it stands alone</p>`;
  return html`<ol class="near">
    ${list.nearest.map(
      (near) =>
        html`<li>
          ${keyMarkup(near)}<b style="--w:${Math.max(0, near.similarity).toFixed(2)}"
            >${near.similarity.toFixed(3)}</b
          >
        </li> `,
    )}
  </ol> `;
}

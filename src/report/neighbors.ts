// The nearest neighbors of a few keys, with the lists of all runs next to each other.

import type { NeighborList, ReportedRun, ReportedTable } from "./content.js";
import { runTitle, type Section } from "./figure.js";
import { html, type Markup, keyMarkup, countText } from "./html.js";

type WithTable = ReportedRun & { table: ReportedTable };

/** Returns the lists of nearest neighbors; undefined if no run has such lists. */
export function neighbors(runs: readonly ReportedRun[]): Section | undefined {
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

function card(runs: readonly ReportedRun[], shown: readonly WithTable[], key: string): Markup {
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

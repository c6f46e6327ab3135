// The page: sections in the order in which a table is evaluated, in one self-contained file.
//
// A content security policy forbids loading anything and running any script but the page's own, whatever the keys of a
// log contain.

import { calibration } from "./calibration.js";
import type { ReportContent } from "./content.js";
import { drift } from "./drift.js";
import { facts } from "./facts.js";
import type { Section } from "./figure.js";
import { gates } from "./gates.js";
import { history } from "./history.js";
import { html, Markup, shortened, countText } from "./html.js";
import { importances } from "./importances.js";
import { itemMaps } from "./item-map.js";
import { leaderboard } from "./leaderboard.js";
import { learningCurves } from "./learning-curves.js";
import { metrics } from "./metrics.js";
import { neighbours } from "./neighbours.js";
import { norms } from "./norms.js";
import { loadPen } from "./plot.js";
import { scree } from "./scree.js";
import { shares } from "./shares.js";
import { script } from "./script.js";
import { searches } from "./search.js";
import { style } from "./style.js";

/** Most runs of a page, because each has its own color. */
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
    neighbours(runs),
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
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${await policy()}" />
        <title>${title} – embed report</title>
        <style>
          ${new Markup(style)}
        </style>
      </head>
      <body>
        <header>
          <h1 class="key">${title}</h1>
          ${subtitle(content)}
        </header>
        <nav aria-label="Sections">
          ${sections.map(({ id, title: name }) => html`<a href="#${id}">${name}</a> `)}
        </nav>
        <main>
          ${sections.map(sectionOf)}
          ${
            absent.length > 0
              ? html`<section id="absent">
                  <h2>Not on this page</h2>
                  <ul class="quiet">
                    ${absent.map((text) => html`<li>${text}</li>`)}
                  </ul>
                </section>`
              : undefined
          }
        </main>
        <footer>embed report ${version}</footer>
        ${content.handedOver === undefined ? undefined : new Markup(content.handedOver)} ${scriptElement}
      </body>
    </html> `;
  return page.text;
}

/** Not a template of `html`, which would change white space and thereby the hash. */
/** Most runs that the title of a page names. */
const MOST_NAMED = 4;
const scriptElement = new Markup(`<script>${script}</script>`);

/** Returns the line below the title: the number of runs, and their input. */
function subtitle({ runs }: ReportContent): Markup {
  const rows = new Set(
    runs.map(({ manifest: { refit, split, rows: all } }) => refit?.rows ?? split?.train ?? all),
  );
  const of = rows.size === 1 ? `trained on ${countText([...rows][0]!, "row")}` : "trained on different rows";
  const commands = [...new Set(runs.map(({ manifest }) => `embed ${manifest.command}`))].join(", ");
  return html`<p>${runs.length > 1 ? `${runs.length} runs, ` : ""}${commands}, ${of}</p>`;
}

function sectionOf({ id, title, lead, body, isHalf = false }: Section): Markup {
  return html`<section id="${id}" ${isHalf ? html` class="half"` : undefined}>
    <h2>${title}</h2>
    ${lead === undefined ? undefined : html`<p class="lead">${lead}</p>`} ${body}
  </section> `;
}

/** Returns the policy, which forbids loading anything and running any script but the one with this hash. */
async function policy(): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", Buffer.from(script));
  const hash = Buffer.from(digest).toString("base64");
  return `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
}

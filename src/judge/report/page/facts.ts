// The section that shows a run's manifest: its inputs, options, warnings and timings.

import type { ReportedRun, PageRuns } from "./content.js";
import { runTitle, type Section } from "./plot.js";
import { html, shortened, type Content, type Markup, countText, instant, whole } from "./html.js";

const MOST = 20;
/** Maximum number of characters of an option's value or a path. */
const VALUE = 160;

export function facts(runs: PageRuns): Section {
  return {
    id: "facts",
    title: runs.length > 1 ? "The runs" : "The run",
    body: html`${runs.map(
      (run) =>
        html`<article class="facts">
          ${runs.length > 1 ? html`<h3>${runTitle(runs, run)}</h3>` : undefined} ${factsOf(run)}
        </article> `,
    )}`,
  };
}

function factsOf(run: ReportedRun): Markup {
  const { manifest, path, table } = run;
  const { split, init, refit, timings, warnings } = manifest;
  const held = split && [
    `${whole(split.train)} training`,
    `${whole(split.valid)} validation`,
    `${whole(split.test)} test`,
  ];
  const lines: [string, Content][] = [
    ["run", html`<code>${shortened(path, VALUE)}</code>`],
    ["made by", `embed ${manifest.command} ${manifest.version}`],
    ["model", manifest.model],
    [
      "rows",
      split && held
        ? `${whole(manifest.rows)}: ${held.join(", ")}${split.valid + split.test > 0 ? ` (${split.by})` : ""}`
        : whole(manifest.rows),
    ],
    [
      "newest event",
      split?.newest !== undefined ? `${instant(split.newest)}, of the training rows` : undefined,
    ],
    ["table", table && `${countText(table.numRows, "row")} of ${countText(table.dim, "number")}`],
    ["roles", rolesOf(manifest.roles)],
    ["went on from", init && init.run],
    ["trained again", refit && `on all ${whole(refit.rows)} rows, ${countText(refit.epochs, "epoch")}`],
    ["interrupted", manifest.interrupted && "by a signal: the best epoch until then is what the run holds"],
    [
      "seconds",
      timings &&
        Object.entries(timings)
          .map(([stage, seconds]) => `${stage} ${seconds.toFixed(2)}`)
          .join(", "),
    ],
    [
      "inputs",
      listOf(
        (manifest.inputs ?? []).map(
          ({ path: file, bytes, sha256 }) =>
            html`<code>${shortened(file, VALUE)}</code>
              <small>${whole(bytes)} bytes, sha256 ${sha256.slice(0, 12)}…</small>`,
        ),
      ),
    ],
    ["warnings", listOf((warnings ?? []).map((text) => html`${shortened(text, 400)}`))],
    ["options", optionsOf(manifest.options)],
  ];
  const shown = lines.filter(([, value]) => value !== undefined && value !== "");
  return html`<dl>
    ${shown.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${typeof value === "string" ? shortened(value, 400) : value}</dd> `,
    )}
  </dl> `;
}

function rolesOf(roles: unknown): string | undefined {
  if (typeof roles !== "object" || roles === null) return undefined;
  const named = Object.entries(roles).filter(([, value]) => typeof value === "string");
  return named.map(([role, column]) => `${role} ${String(column)}`).join(", ");
}

function listOf(items: readonly Markup[]): Markup | undefined {
  if (items.length === 0) return undefined;
  const rest = items.length > MOST ? html`<li>and ${whole(items.length - MOST)} more</li>` : undefined;
  return html`<ul>
    ${items.slice(0, MOST).map((item) => html`<li>${item}</li>`)}${rest}
  </ul>`;
}

/** Lists every option that has a value, as the training used it. */
function optionsOf(options: Record<string, unknown> | undefined): Markup | undefined {
  const reported = flat(options ?? {}).filter(([name, value]) => name !== "log" && !isEmpty(value));
  if (reported.length === 0) return undefined;
  return html`<ul class="options">
    ${reported.map(([name, value]) => html`<li><b>${name}</b> ${shortened(optionText(value), VALUE)}</li> `)}
  </ul>`;
}

/** Flattens nested options by their path: `reading.header`. */
function flat(options: Record<string, unknown>): [string, unknown][] {
  return Object.entries(options).flatMap(([name, value]): [string, unknown][] =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.entries(value).map(([inner, one]) => [`${name}.${inner}`, one])
      : [[name, value]],
  );
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === false) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function optionText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

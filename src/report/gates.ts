// The bounds that a table satisfied or violated.

import type { Gate, ReportedRun } from "./content.js";
import { runTitle, type Section } from "./figure.js";
import { html, shortened, htmlTable, type Markup, instant, short } from "./html.js";

type Gated = ReportedRun & { gates: readonly Gate[] };

/** Returns the outcomes of the runs' gates; undefined if no run has gates. */
export function gates(runs: readonly ReportedRun[]): Section | undefined {
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

import { reportOptions, type ReportSummary } from "../../../judge/report/options.js";
import { printable, UsageError } from "../../../base/errors.js";
import { commandSpec } from "../command-spec.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run --valid 0.1 --test 0.1, and with --dim 8 -o other):
  embed report run -o report.html
  embed report run other --key item:tea-03 -o report.html --force
  embed report run --format markdown -o README.md --force
  embed report ratings -o report.html --names fixtures/items.csv:item:title --labels fixtures/items.csv:item --label-column genres
`;

export const command = commandSpec({
  description:
    "Writes a self-contained HTML page about one or several runs: metrics, learning curves, calibration, " +
    "feature importances, principal components, maps of the items, neighbors, norms, drift, gates and " +
    "the manifest.",
  usage: "[options] <run...>",
  arguments: [
    [
      "<run...>",
      "run directories; STORE/NAME is the latest version in a store, shown with the history of earlier versions",
    ],
  ],
  examples,
  options: reportOptions,
  writes: true,
  refuse({ out, json }) {
    if (out === "-" && json)
      throw new UsageError("-o - and --json both write to stdout: name a file with -o");
  },
  async call([runs], given, { watch, write }) {
    const { reportVersions } = await import("../../../weekly/store/report-versions.js");
    const summary = await reportVersions(runs, given, write, watch);
    if (given.open !== true) return summary;
    const { showInBrowser } = await import("../show-in-browser.js");
    const failed = await showInBrowser(summary.out);
    if (failed !== undefined) watch.observe({ stage: "note", text: failed });
    return summary;
  },
  text: (summary, { out, quiet }) => (out === "-" ? "" : reportText(summary, quiet)),
  notes: (summary, { out }) => (out === "-" ? reportText(summary).trimEnd().split("\n") : []),
});

function reportText({ out, bytes, absent, seconds }: ReportSummary, quiet = false): string {
  const left = quiet ? "" : absent.map((text) => `not shown: ${printable(text)}\n`).join("");
  return `${left}${out}: ${Math.ceil(bytes / 1000).toLocaleString("en")} kB in ${seconds.toFixed(1)} s\n`;
}

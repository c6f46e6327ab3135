import { sizeText } from "../../../base/errors.js";
import type { ListedVersion } from "../../../weekly/store/ls.js";
import { titleOf } from "../../../metrics/metrics.js";
import { formatTable } from "../terminal.js";
import { listOptions } from "../../../weekly/store/options.js";
import { commandSpec } from "../command-spec.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run, and embed publish run --store store --name items):
  embed ls store
  embed ls store items --json
`;

export const command = commandSpec({
  description:
    "Lists the versions of a store and verifies their checksums. The latest version is marked with *.",
  arguments: [
    ["<store>", "the store"],
    ["[name]", "only this name"],
  ],
  examples,
  options: listOptions,
  terminal: "lines",
  async call([store, name], given, { watch: { signal } }) {
    const { listStore } = await import("../../../weekly/store/ls.js");
    return await listStore(store, name, { ...given, signal });
  },
  text: ({ store, checked, versions }) =>
    versions.length === 0
      ? `no versions in ${store}\n`
      : formatTable([head, ...versions.map((version) => lineOf(version, !checked))]),
  notes: ({ versions }, { json }) => (json ? [] : versions.flatMap(({ damage }) => damage ?? [])),
});

const head = ["name", "version", "", "command", "rows", "metric", "", "size", "written", "state"];

function lineOf(version: ListedVersion, quick: boolean): string[] {
  const { metric, damage, latest, written } = version;
  const whole = quick ? "sizes match" : "whole";
  return [
    version.name,
    version.version,
    latest ? "*" : "",
    version.command ?? "",
    version.rows?.toLocaleString("en") ?? "",
    metric ? `${titleOf(metric.name)} (${metric.part})` : "",
    metric ? metric.value.toFixed(4) : "",
    sizeText(version.bytes),
    written === null ? "" : `${written.slice(0, 16).replace("T", " ")}Z`,
    damage === null ? whole : "damaged",
  ];
}

import { sizeText } from "../../../base/errors.js";
import type { GcSummary } from "../../../weekly/store/gc.js";
import { gcOptions, lockOf } from "../../../weekly/store/options.js";
import { commandSpec } from "../command-spec.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run, and embed publish run --store store --name items):
  embed gc store --keep 8
  embed gc store items --keep 3 --dry-run
  embed gc store items --remove 3
`;

export const command = commandSpec({
  description:
    "Removes all but the newest versions of each name, and files left behind by killed or failed writers. " +
    "The version that latest points to is always kept.",
  arguments: [
    ["<store>", "the store"],
    ["[name]", "only this name"],
  ],
  examples,
  options: gcOptions,
  terminal: "lines",
  async call([store, name], given, { watch }) {
    const { gc } = await import("../../../weekly/store/gc.js");
    return await gc(store, name, { ...given, ...lockOf(given, watch) });
  },
  text: gcText,
});

function gcText({ names, work, bytes, dryRun }: GcSummary): string {
  const lines = names.map((each) => {
    const removed = each.removed.length > 0 ? each.removed.join(", ") : "none";
    const left =
      each.leftovers.length > 0 ? `, and ${each.leftovers.length} leftover files of interrupted writers` : "";
    return `${each.name}: ${dryRun ? "would remove" : "removed"} ${removed}${left}; ${each.kept.length} kept\n`;
  });
  if (work.length > 0) lines.push(`.work: ${work.length} leftover files of interrupted writers\n`);
  return `${lines.join("")}${sizeText(bytes)} ${dryRun ? "would be freed" : "freed"}\n`;
}

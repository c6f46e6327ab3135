import { printable } from "../../../base/errors.js";
import type { ForgetSummary } from "../../../weekly/forget/forget.js";
import { forgetOptions } from "../../../weekly/forget/options.js";
import { lockOf } from "../../../weekly/store/options.js";
import { commandSpec } from "../command-spec.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run, and embed publish run --store store --name items):
  embed forget store user:u019 item:tea-03
  embed forget store/items --keys keys.txt --dry-run
`;

export const command = commandSpec({
  description:
    "Rewrites every version without the given keys: tables, models, user histories and lists. Models then " +
    "score these keys as unknown. Logs and copies elsewhere are not changed.",
  arguments: [
    ["<place>", "a store, a name in it (store/items), or a run directory"],
    ["[keys...]", "key to forget as FIELD:KEY, such as user:u019"],
  ],
  examples,
  options: forgetOptions,
  terminal: "lines",
  async call([place, keys], given, { watch }) {
    const { forget } = await import("../../../weekly/forget/forget.js");
    return await forget(place, keys, { ...given, ...lockOf(given, watch) });
  },
  text: forgetText,
});

function forgetText({ changed, unchanged, notFound, work, notSearched, dryRun }: ForgetSummary): string {
  const would = dryRun ? "would be " : "";
  const lines = [
    ...changed.flatMap(({ path, dropped, removed, remade }) => [
      `${path}: ${dropped} rows and entries ${would}forgotten`,
      ...remade.map((out) => `${path}: exports/${out} ${would}rewritten without them`),
      ...removed.map((file) => `${path}: ${file} ${would}removed; export it again`),
    ]),
    ...work.map((path) => `${path}: ${would}removed; it is recreated when needed`),
    ...notSearched.map((path) => `${path}: not written by embed and not searched`),
    ...notFound.map((key) => `${key}: not found`),
    ...(unchanged.length > 0 ? [`${unchanged.length} unchanged, they do not hold the keys`] : []),
  ];
  return lines.map((line) => `${printable(line)}\n`).join("");
}

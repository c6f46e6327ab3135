import type { Reproduction } from "../../../judge/reproduce/reproduce.js";
import { reproduceOptions } from "../../../use/options.js";
import { ArtifactError } from "../../../base/errors.js";
import { commandSpec } from "../command-spec.js";
import { titleOf } from "../../../metrics/metrics.js";
import { formatTable } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run --valid 0.1):
  embed reproduce run
  embed reproduce run --keep again --json
`;

export const command = commandSpec({
  description:
    "Repeats the training recorded in a run's manifest, in the same folder and with the same inputs, and " +
    "compares every output file byte by byte. The inputs are verified first. Exits with 82 if a file " +
    "differs, and shows the metrics of both trainings then.",
  arguments: [["<run>", "run directory"]],
  examples,
  options: reproduceOptions,
  async call([run], given, { watch }) {
    const { reproduce } = await import("../../../judge/reproduce/reproduce.js");
    return await reproduce(run, given, watch);
  },
  text: reproductionText,
  verify: checkAgreement,
});

function reproductionText({ run, agrees, files, metrics = [], metricsWithin: bound }: Reproduction): string {
  const wordOf = (same: boolean, why: string) => (!same ? "differs" : why === "" ? "same" : "trained");
  const lines = files.map(({ file, agrees: same, why = "" }) => [wordOf(same, why), file, why]);
  const reproduced =
    bound === undefined
      ? "reproduced, all files identical"
      : `reproduced as far as a server trains alike: all metrics within ${bound}`;
  const compared = metrics.map(({ part, metric, recorded, now }) => [
    ...[part, titleOf(metric), recorded.toFixed(4), now.toFixed(4)],
    `${now < recorded ? "" : "+"}${(now - recorded).toFixed(4)}`,
  ]);
  const table = compared.length > 0 ? formatTable([["", "", "recorded", "now", "change"], ...compared]) : "";
  return `${formatTable(lines)}${table}${run}: ${agrees ? reproduced : "not reproduced"}\n`;
}

function checkAgreement({ run, trainedBy, version, files }: Reproduction): void {
  const differing = files.filter(({ agrees }) => !agrees).map(({ file }) => file);
  if (differing.length === 0) return;
  const hint =
    trainedBy === version
      ? ""
      : ` (embed ${trainedBy} trained it, this is ${version}, which may train differently: compare the metrics)`;
  throw new ArtifactError(
    `run '${run}' was not reproduced${hint}: ${differing.join(", ")} ` +
      `${differing.length === 1 ? "differs" : "differ"}; --keep DIR keeps the second run, embed diff compares ` +
      "the tables",
  );
}

import { version } from "../../../base/io/package-version.js";
import { initOptions } from "../../../weekly/pipeline/options.js";
import { commandSpec } from "../command-spec.js";

const examples = `
Examples:
  embed init fixtures/clicks.csv -o pipeline.yaml
  embed init fixtures/clicks.csv --fields user_id,item_id | less
`;

export const command = commandSpec({
  description:
    "Inspects a log and writes a commented pipeline file for it: column roles, one training (with --from or --like that " +
    "of a run), and gates based on the log's current values.",
  arguments: [
    [
      "[log...]",
      "files or quoted patterns, read as one log; with --from or --like, by default the log of the run",
    ],
  ],
  examples,
  options: initOptions,
  async call([paths], given, { watch }) {
    const { initPipeline } = await import("../../../weekly/pipeline/init-pipeline.js");
    return await initPipeline(paths, given, watch);
  },
  text: (file, { out }) => (out === undefined ? file : `${out}: run it with embed run ${out}\n`),
  json: (_, { out = null }) => ({ command: "init", version, out }),
});

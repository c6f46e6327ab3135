// Every kind of model, each as a run whose manifest names it.

import type { Run } from "../embedding/run-directory.js";
import { importedManifest } from "../testing/small-run.js";
import { capable, modelOf, trainers } from "./index.js";

/** The parts of a run from which its model is found. */
function runOf(command: string, model: string): Pick<Run, "path" | "manifest"> {
  return { path: "RUN", manifest: { ...importedManifest, schemaVersion: 1, files: {}, command, model } };
}

const kinds: [string, Pick<Run, "path" | "manifest">][] = [["a table", runOf("import", "table")]];
for (const { command, home } of trainers)
  for (const model of Object.keys((await home()).models))
    kinds.push([`${command}: ${model}`, runOf(command, model)]);

test.each(kinds)("a run of %s says how keys leave it", async (_, run) => {
  expect(await capable(run, "forgetting", "forgets no key")).toBeInstanceOf(Function);
});

test.each(kinds)("a run of %s has what it gives no reason to lack", async (_, run) => {
  const model = (await modelOf(run))!;
  // a kind may export some networks, and give a reason why it does not export others
  const lacks = Object.keys(model.lacks ?? {}).filter((name) => name !== "networks");
  for (const name of lacks) expect(Object.keys(model)).not.toContain(name);
});

// Kinds of models, each as its run's manifest names it.

import type { Run } from "../embedding/run-directory.js";
import { importedManifest } from "../testing/small-run.js";
import { capable, modelOf, trainers } from "./index.js";

/** A run as far as its manifest says which model it holds. */
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
  // of networks a kind may have some and give a reason for the others
  const lacks = Object.keys(model.lacks ?? {}).filter((name) => name !== "networks");
  for (const name of lacks) expect(Object.keys(model)).not.toContain(name);
});

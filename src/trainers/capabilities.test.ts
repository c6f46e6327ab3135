// Tests the capabilities of every kind of model, on a run whose manifest names the model.

import type { Run } from "../table/run-directory.js";
import { importedManifest } from "../testing/small-run.js";
import { capable, modelOf, trainers } from "./index.js";

/** Returns the path and the manifest of a run, by which its kind of model is looked up. */
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
  // a kind of model may export some of its networks, and still give a reason why it does not export the others
  const lacks = Object.keys(model.lacks ?? {}).filter((name) => name !== "networks");
  for (const name of lacks) expect(Object.keys(model)).not.toContain(name);
});

// Tests the list of baselines and the pages that document it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "../../testing/places.js";
import { baselineNames, baselines, comparedBaselines } from "./baselines.js";

test("docs/evaluation.md has an item for each baseline", () => {
  const page = readFileSync(join(projectFolder, "docs", "evaluation.md"), "utf8");
  const list = page.split("The score of an item for a user is:\n\n- ")[1]!.split("\n\n")[0]!;
  const rows = list
    .replaceAll("\n  ", " ")
    .split("\n- ")
    .map((item) => /^(`[^`]+`): (.*)$/.exec(item)!.slice(1));
  expect(rows).toEqual(baselineNames.map((name) => [`\`${name}\``, baselines[name].score]));
});

test("compare measures the baselines that fit the log, and says why not the others", () => {
  const small = comparedBaselines({ items: 10, repeats: false, timed: false });
  expect(small).toMatchObject({
    names: expect.arrayContaining(["popularity", "ease"]) as string[],
    unmeasured: [],
  });
  expect(small.names).not.toContain("user-history");
  const { names, unmeasured } = comparedBaselines({ items: 6000, repeats: true, timed: true });
  expect(names).toEqual([...small.names.filter((name) => name !== "ease"), "markov", "user-history"]);
  expect(unmeasured).toEqual([{ name: "ease", why: expect.stringContaining("up to 5000 items") as string }]);
});

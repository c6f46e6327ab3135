// Tests the list of baselines and the pages that document it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "../../testing/places.js";
import { baselineRows, comparedBaselines, recallBaselines } from "./baselines.js";

const page = (name: string) => readFileSync(join(projectFolder, "docs", name), "utf8");

test("docs/evaluation.md has an item for each baseline", () => {
  const list = page("evaluation.md").split("The score of an item for a user is:\n\n- ")[1]!.split("\n\n")[0]!;
  const rows = list
    .replaceAll("\n  ", " ")
    .split("\n- ")
    .map((item) => /^(`[^`]+`): (.*)$/.exec(item)!.slice(1));
  expect(rows).toEqual(baselineRows());
});

test("docs/recall.md names those that recall ranks by", () => {
  const text = page("recall.md");
  expect(recallBaselines.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});

test("compare measures the baselines that fit the log, and says why not the others", () => {
  expect(comparedBaselines({ items: 10, repeats: false })).toEqual({
    names: ["popularity", "item-cf", "item-knn", "rp3beta", "ease"],
    unmeasured: [],
  });
  const { names, unmeasured } = comparedBaselines({ items: 6000, repeats: true });
  expect(names).toEqual(["popularity", "item-cf", "item-knn", "rp3beta", "user-history"]);
  expect(unmeasured).toEqual([{ name: "ease", why: expect.stringContaining("up to 5000 items") as string }]);
});

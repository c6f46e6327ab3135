// The list of baselines, and the pages that show it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "../../testing/places.js";
import { baselineRows, comparedBaselines, recallBaselines } from "./baselines.js";

const page = (name: string) => readFileSync(join(projectFolder, "docs", name), "utf8");

test("docs/evaluation.md has a row for each baseline", () => {
  const table = page("evaluation.md").split("| `--baseline` ")[1]!.split("\n\n")[0]!;
  const rows = table
    .split("\n")
    .slice(2)
    .map((line) =>
      line
        .split("|")
        .map((cell) => cell.trim())
        .slice(1, 3),
    );
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

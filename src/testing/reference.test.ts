import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commands } from "../faces/cli/commands.js";
import { projectFolder } from "./places.js";
import { referencePages } from "./reference.js";

const folder = join(projectFolder, "docs", "reference");

test("docs/reference is what the commands' options say", async () => {
  const pages = await referencePages();
  const stale = Object.entries(pages)
    .filter(
      ([name, text]) =>
        readdirSync(folder).includes(name) && readFileSync(join(folder, name), "utf8") !== text,
    )
    .map(([name]) => name);
  const remedy = "run `npm run docs` and commit what it writes";
  expect({ stale, remedy }).toEqual({ stale: [], remedy });
  expect({ pages: readdirSync(folder).sort(), remedy }).toEqual({ pages: Object.keys(pages).sort(), remedy });
});

test("a page has the usage, the examples, every option and its default", async () => {
  const pages = await referencePages();
  expect(Object.keys(pages)).toHaveLength(commands.length + 4);
  const page = pages["neighbors.md"]!;
  expect(page).toContain("embed neighbors [options] <run>");
  expect(page).toContain("embed neighbors run --key item:tea-03 --key item:camera-11 --top 5 --metric dot");
  expect(page).toContain("- `--top <n>`: number of neighbors to show (default: 10)");
  expect(page).toContain("one of `cosine`, `dot`, `l2`");
  expect(page).toContain(
    "neighbors(run: string, options?: NeighborsOptions, watch?: Watching): Promise<NeighborsOf[]>",
  );
  expect(page).not.toContain("--help");
  expect(pages["train-als.md"]).toContain("(default: ndcg) (one of [these](README.md#values))");
  expect(pages["README.md"]).toMatch(/^- `--metric`: `recall`, `ndcg`, /m);
});

test("types are on their page with all that they name", async () => {
  const pages = await referencePages();
  const types = pages["typescript-types.md"]!;
  expect(types).toContain("## Evaluation\n\n```ts\ninterface Evaluation extends Summary {");
  expect(types).toContain(
    "  /** metrics of all runs and baselines, with confidence intervals */\n  compared: Compared[];",
  );
  // the page prints the type Progress on several lines, with the comments of its members
  expect(types).toMatch(/## Progress\n\n```ts\ntype Progress = (?:(?!\n```)[\s\S])*stage: "warning"/);
  const named = [...types.matchAll(/\]\(typescript-types\.md#([^)]*)\)/g)].map(([, name]) => name!);
  const headings = [...types.matchAll(/^## (.*)$/gm)].map(([, name]) => name!.toLowerCase());
  expect(named.filter((name) => !headings.includes(name))).toEqual([]);
  expect(pages["typescript.md"]).toContain("### GateError\n\nA quality gate failed; nothing was published.");
});

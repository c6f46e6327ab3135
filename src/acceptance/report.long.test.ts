// `embed report`: a page about runs, written by the built program and loaded in a browser.

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Browser, chromium } from "../testing/chromium.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const clicks = [fixture("clicks.csv"), "--valid", "0.1", "--test", "0.1"];
const labels = argv`--labels ${fixture("items.csv")}:item --label-column genres
    --names ${fixture("items.csv")}:item:title`;

/** For pages whose maps no test looks at, because UMAP takes most of a report's time. */
const withoutUmap = ["--map", "pca"];

interface Summary {
  bytes: number;
  runs: string[];
  absent: string[];
}
/** Writes a page; returns it with the summary. */
async function reported(args: string[], out = at("page.html")): Promise<Summary & { page: string }> {
  const { stdout } = await embedOk(["report", ...args, "-o", out, "--force", "--json"], { cwd: folder });
  return { ...parseJson<Summary>(stdout), page: readFileSync(out, "utf8") };
}
const sectionsOf = (page: string) => [...page.matchAll(/<section id="([a-z]+)"/g)].map(([, id]) => id);

/**
 * Returns the option with which a report shows names instead of a field's keys. The file of names knows one item and
 * all users.
 */
const names = (field: string) => ["--names", `${at("titles.csv")}:${field}=key:name`];

beforeAll(async () => {
  const users = Array.from({ length: 1000 }, (_, i) => `u${String(i).padStart(3, "0")},Somebody ${i}`);
  writeFileSync(at("titles.csv"), ["key,name", "tea-03,Green tea", ...users].join("\n"));
  await embedOk(["train-fm", ...clicks, "-o", at("fm"), "--epochs", "6"]);
  await embedOk(["train-fm", ...clicks, "-o", at("next"), "--epochs", "6", "--seed", "2", "--dim", "8"]);
  await embedOk(["train-gbdt", ...clicks, "-o", at("trees"), "--num-trees", "20"]);
  await embedOk(["train-pca", fixture("purchases.csv"), "-o", at("pca"), "--dim", "8"]);
  await embedOk(argv`train-fm ${fixture("ratings.csv")} -o ${at("ratings")} --label rating --epochs 4`);
});

test("runs of several kinds stand side by side, each with what it has", async () => {
  const { page, bytes, absent } = await reported(["fm", "trees", "pca"]);
  expect(sectionsOf(page)).toEqual(
    "metrics learning calibration importances scree map neighbors norms facts absent".split(" "),
  );
  expect(absent).toEqual([expect.stringContaining("trees: norms, map and neighbors")]);
  expect(bytes).toBe(Buffer.byteLength(page));
  expect(page).toContain("garden-09");
  for (const run of ["fm", "trees", "pca"]) expect(page).toContain(`<span class="key">${run}`);
});

test("the same runs give the same bytes, in a file and on standard output", async () => {
  const first = await reported(["fm", "trees"], at("first.html"));
  const { stdout, stderr } = await embedOk(["report", "fm", "trees", "-o", "-"], { cwd: folder });
  expect(stdout).toBe(first.page);
  expect(stderr).toMatch(/^-: \d+ kB in /m);
});

test("items are colored by labels and called by names of a file", async () => {
  const { page } = await reported(["ratings", ...labels], at("labelled.html"));
  expect(page).toMatch(/<li>\s*<svg[^>]*>\s*<circle[^>]*\/>\s*<\/svg\s*>\s*<span class="key">Drama/);
  expect(page).toContain("Lighthouse, The Secret (0002844)");
  expect(page).toContain("Horror|Romance");
});

test("maps are the plane, UMAP, or both, and names are called for where the file has none", async () => {
  const captions = (page: string) =>
    [...page.matchAll(/<figure class="map"><figcaption>([A-Z]+) /g)].map(([, title]) => title);
  expect(captions((await reported(["fm", "--part", "none"])).page)).toEqual(["PCA", "UMAP"]);
  expect(captions((await reported(["fm", "--part", "none", "--map", "umap"])).page)).toEqual(["UMAP"]);
  const few = await reported(["fm", "--part", "none", "--map", "pca", "--points", "10"]);
  expect([captions(few.page), few.absent]).toEqual([["PCA"], []]);
  const { absent } = await reported(["fm", "--part", "none", "--points", "10", ...names("item_id")]);
  expect(absent).toEqual([
    expect.stringContaining("10 keys with a vector are too few"),
    expect.stringMatching(/--names: '.*' has no 'name' for \d+ of \d+ keys: /),
  ]);
});

test("names are those of the field that is shown, a file for another field is reported, and one field is named once", async () => {
  const { page, absent } = await reported([
    ...["next", "--field", "user", "--key", "user:u019", "--part", "none", "--map", "pca"],
    ...[...names("item"), ...names("user")],
  ]);
  expect(page).toContain("Somebody 19 <small>u019</small>");
  expect(absent).toEqual([
    expect.stringContaining('has names for field "item", but no key of that field is shown'),
  ]);
  const twice = await embed(["report", "fm", "-o", "x.html", ...names("item"), ...names("item_id")], {
    cwd: folder,
  });
  expect([twice.code, twice.stderr]).toEqual([64, expect.stringContaining('both name keys of "item_id"')]);
});

test("drift is measured against another run, and keys are those that are asked for", async () => {
  const { page } = await reported([
    ...["next", "--against", "fm", "--key", "item:tea-03", "--part", "none"],
    ...withoutUmap,
  ]);
  expect(sectionsOf(page)).toEqual(["metrics", "learning", "map", "neighbors", "norms", "drift", "facts"]);
  expect(page).toContain("since fm");
  expect([...page.matchAll(/<h3><span class="key">([^<]*)/g)].map(([, key]) => key)).toEqual(["tea-03"]);
});

test("a version of a store is compared with the one before it, and shows its gates", async () => {
  const publish = (run: string) =>
    embedOk(["publish", at(run), "--store", at("store"), "--name", "items"], { cwd: folder });
  await publish("fm");
  await publish("next");
  const outcome = { gate: "rows", bound: ">= 1", value: 12000, previous: 11000, passed: true, message: "" };
  // replaces gate.json by one as schemaVersion 1 wrote it, in which the outcome of a bound has no status
  writeFileSync(
    at("store/items/000002/gate.json"),
    JSON.stringify({ schemaVersion: 1, outcomes: [outcome] }),
  );
  const { page } = await reported(["store/items/latest", "--part", "none", ...withoutUmap]);
  expect(page).toContain("<title>items/000002");
  expect(page).toContain("since store/items/000001");
  expect(page).toMatch(/passed[\s\S]*11,000/);
});

test("a name in a store is its latest version, with the history of those that led to it", async () => {
  const named = await reported(["store/items", "--part", "none", ...withoutUmap]);
  expect(sectionsOf(named.page)).toContain("history");
  expect(named.page).toContain("<title>items/000002");
  expect(
    sectionsOf((await reported(["store/items/latest", "--part", "none", ...withoutUmap])).page),
  ).not.toContain("history");
  await embedOk(["rollback", "store/items"], { cwd: folder });
  const back = await reported(["store/items", "--part", "none", ...withoutUmap]);
  expect(back.page).toContain("<title>items/000001");
  expect(sectionsOf(back.page)).not.toContain("history");
});

test("calibration is what evaluate writes as its curve, bin by bin", async () => {
  await embedOk(["evaluate", at("fm"), "--part", "test", "--curve", at("curve.csv"), "--bootstrap", "0"]);
  const bins = readFileSync(at("curve.csv"), "utf8").trim().split("\n").slice(1);
  const { page } = await reported(["fm", ...withoutUmap]);
  const shown = [...page.matchAll(/bin (\d+) of 10: (\d+) rows\npredicted ([\d.]+), observed ([\d.]+)/g)];
  const wanted = bins.map((line) => line.split(",").slice(1).map(Number));
  expect(shown.map(([, ...numbers]) => numbers.map(Number))).toEqual(
    wanted.map(([bin, rows, predicted, observed]) => [
      bin,
      rows,
      Number(predicted!.toPrecision(4)),
      Number(observed!.toPrecision(4)),
    ]),
  );
});

test("a log that is gone leaves calibration out with a word, and fails where it was asked for", async () => {
  writeFileSync(
    at("log.csv"),
    readFileSync(fixture("clicks.csv"), "utf8").split("\n").slice(0, 1500).join("\n"),
  );
  await embedOk(["train-fm", "log.csv", "-o", "short", "--test", "0.2", "--epochs", "2"], { cwd: folder });
  writeFileSync(at("log.csv"), "");
  const { page, absent } = await reported(["short"]);
  expect(sectionsOf(page)).not.toContain("calibration");
  expect(absent).toEqual([expect.stringContaining("calibration of 'short'")]);
  const asked = await embed(["report", "short", "-o", "asked.html", "--part", "test"], { cwd: folder });
  expect([asked.code, existsSync(at("asked.html"))]).toEqual([64, false]);
});

test("keys, names and columns that look like markup stay text", async () => {
  const evil = `</title></svg><script>document.title='owned'</script>`;
  const rows = Array.from({ length: 60 }, (_, i) => `${i % 2},u${i % 7},${i % 5 === 0 ? evil : `i${i % 9}`}`);
  writeFileSync(at("evil.csv"), ["click,user_id,item_id", ...rows].join("\n"));
  writeFileSync(
    at("names.csv"),
    [
      "item_id,kind,title",
      `${evil},<b onclick=x>,${evil}`,
      "i1,<b onclick=x>,<img src=x onerror=alert(1)>",
      'i2,plain,"""><script>alert(2)</script>"',
    ].join("\n"),
  );
  await embedOk(["train-fm", at("evil.csv"), "-o", at("evil<run>"), "--epochs", "2"]);
  const { page } = await reported(argv`${at("evil<run>")} --labels ${at("names.csv")}:item_id
      --label-column kind --names ${at("names.csv")}:item:title --against ${at("evil<run>")}`);
  expect(page.match(/<script/g)).toHaveLength(1);
  expect(page).not.toContain("<img");
  expect(page).toContain("&lt;img src=x onerror=alert(1)&gt;");
  expect(page).not.toContain("<b onclick");
  expect(page).toContain("&lt;script&gt;document.title=");
});

test("a page of large tables says what it drew, and stays small", async () => {
  const long = "x".repeat(300);
  const rows = Array.from(
    { length: 3600 },
    (_, i) => `${i % 3 === 0 ? 1 : 0},u${i % 50},${long}${(i * 7) % 3200}`,
  );
  writeFileSync(at("large.csv"), ["click,user_id,item_id", ...rows].join("\n"));
  await embedOk(["train-fm", at("large.csv"), "-o", at("large"), "--epochs", "1"]);
  // uses PCA, because UMAP would take twenty times as long and give a page of the same size
  const { page, bytes } = await reported([at("large"), at("large"), "--part", "none", "--map", "pca"]);
  expect(page).toMatch(/2,000 of 3,200 keys, by hash/);
  expect(bytes).toBeLessThan(2_000_000);
});

test("--open hands the page to the desktop's program, and says so where there is none", async () => {
  const [bin, opened] = [at("bin"), at("opened")];
  mkdirSync(bin);
  writeFileSync(
    join(bin, "xdg-open"),
    `#!/bin/sh\necho "$1" > '${opened}.part' && mv '${opened}.part' '${opened}'\n`,
  );
  chmodSync(join(bin, "xdg-open"), 0o755);
  const args = ["report", "fm", "-o", "seen.html", "--part", "none", "--map", "pca", "--force", "--open"];
  const env = { PATH: `${bin}:/usr/bin:/bin`, DISPLAY: ":0" };
  expect((await embedOk(args, { cwd: folder, env })).stderr).not.toContain("--open");
  for (let i = 0; i < 200 && !existsSync(opened); i++) await new Promise((done) => setTimeout(done, 20));
  expect(readFileSync(opened, "utf8").trim()).toBe(at("seen.html"));
  const { stderr } = await embedOk(args, { cwd: folder });
  expect(stderr).toContain("--open: there is no display here: open 'seen.html' in a browser yourself");
  expect((await embed(["report", "fm", "-o", "-", "--open"], { cwd: folder })).code).toBe(64);
});

test("bad input is refused by name", async () => {
  const refused = async (...args: string[]) => {
    const { code, stderr } = await embed(["report", ...args], { cwd: folder });
    return [code, stderr.split("\n")[0]];
  };
  expect((await refused("none", "-o", "x.html"))[0]).toBe(66);
  expect(await refused("fm", "-o", "x.html", "--key", "item:tea-3")).toEqual([
    64,
    expect.stringContaining("tea-03"),
  ]);
  expect(await refused("fm", "-o", "x.html", "--key", "user:u019")).toEqual([
    64,
    expect.stringContaining("--field"),
  ]);
  expect(await refused("fm", "-o", "x.html", "--label-column", "genres")).toEqual([
    64,
    expect.stringContaining("--labels"),
  ]);
  expect(await refused("fm", "-o", "x.html", ...labels.slice(0, 2))).toEqual([
    64,
    expect.stringContaining("--label-column"),
  ]);
  const many = Array.from({ length: 10 }, () => "fm");
  expect(await refused(...many, "-o", "x.html")).toEqual([
    64,
    expect.stringContaining("at most 9 runs, got 10"),
  ]);
  expect(await refused("store", "-o", "x.html")).toEqual([64, expect.stringContaining("store/items")]);
  writeFileSync(at("there.html"), "mine");
  expect((await refused("fm", "-o", "there.html"))[0]).toBe(73);
  expect(readFileSync(at("there.html"), "utf8")).toBe("mine");
});

describe("in headless Chromium", () => {
  if (!chromium)
    console.log("skipped: no chromium in PATH (Debian's package chromium) to look at pages with");
  const inBrowser = chromium ? test : test.skip;
  let browser: Browser;
  beforeAll(async () => {
    await reported(["fm", "trees", "pca", "next", "--against", "next"], at("shown.html"));
    if (chromium) browser = await Browser.start();
  });
  afterAll(async () => await browser?.close());

  inBrowser.each([
    ["a desk", 1280, false],
    ["a desk in the dark", 1280, true],
    ["a wide desk", 1920, false],
    ["a phone", 390, false],
  ])(
    "every plot is there on %s, nothing runs over the edge, and nothing is logged",
    async (_, width, dark) => {
      await browser.show(at("shown.html"), { width, dark });
      const drawings = await browser.value<
        { label: string; width: number; height: number; marks: number; right: number }[]
      >(
        `[...document.querySelectorAll("figure > svg")].map((svg) => {
        const { width, height, right } = svg.getBoundingClientRect();
        const marks = svg.querySelectorAll("path, circle, rect").length;
        return { label: svg.getAttribute("aria-label"), width, height, right, marks };
      })`,
      );
      // the page has at least: losses of three runs, a calibration plot, importances, two scree plots, three maps,
      // norms of three runs, and drift
      expect(drawings.length).toBeGreaterThanOrEqual(16);
      const poor = drawings.filter(
        ({ width: w, height, marks, right }) => w < 200 || height < 50 || marks === 0 || right > width,
      );
      expect(poor).toEqual([]);
      expect(await browser.value("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      // a table that is too wide for the page scrolls, and a wide window is used completely
      const cut = await browser.value(
        `[...document.querySelectorAll("table")].filter((table) => {
          const place = table.parentElement;
          return place.getBoundingClientRect().right > innerWidth || !/auto|scroll/.test(getComputedStyle(place).overflowX);
        }).length`,
      );
      expect(cut).toBe(0);
      // the content extends from the list of sections to the edge of the window
      const main = await browser.value<{ left: number; right: number }>(
        `document.querySelector("main").getBoundingClientRect().toJSON()`,
      );
      expect(main.right).toBeGreaterThan(0.95 * width);
      expect(main.right - main.left).toBeGreaterThan(0.75 * width);
      const { length } = await browser.screenshot();
      expect(length).toBeGreaterThan(50_000);
      expect(browser.logged).toEqual([]);
    },
  );

  inBrowser("a dot tells its name at once, and a background follows the colors of the system", async () => {
    await browser.show(at("shown.html"), { width: 1280, dark: true });
    const place = await browser.value<{ x: number; y: number }>(
      `(() => {
        document.documentElement.style.scrollBehavior = "auto";
        const dot = document.querySelector("figure.map circle");
        dot.scrollIntoView({ block: "center" });
        const { x, y, width } = dot.getBoundingClientRect();
        return { x: x + width / 2, y: y + width / 2 };
      })()`,
    );
    await browser.pointAt(place.x, place.y);
    expect(await browser.value(`document.querySelector(".tip").textContent`)).toMatch(
      /^[a-z]+-\d\d\n\d+ events$/,
    );
    expect(await browser.value(`getComputedStyle(document.body).backgroundColor`)).toBe("rgb(21, 23, 27)");
    expect(browser.logged).toEqual([]);
  });

  inBrowser("a label that is pointed at is seen alone", async () => {
    if (!existsSync(at("labelled.html"))) await reported(["ratings", ...labels], at("labelled.html"));
    await browser.show(at("labelled.html"), { width: 390 });
    const seen = (event: string) =>
      browser.value<number>(`(() => {
        document.querySelector("#map .legend li").dispatchEvent(new Event("${event}"));
        return [...document.querySelectorAll("#map figure circle")].filter((dot) => getComputedStyle(dot).opacity === "1").length;
      })()`);
    const all = await browser.value(`document.querySelectorAll("#map figure circle").length`);
    expect(await seen("pointerenter")).toBeLessThan(all as number);
    expect(await seen("pointerleave")).toBe(all);
    expect(browser.logged).toEqual([]);
  });

  inBrowser("a key is found on a phone by a part of its text, on all maps", async () => {
    await browser.show(at("shown.html"), { width: 390 });
    const find = async (text: string) =>
      await browser.value<{ found: string[]; faint: number; said: string }>(`(() => {
        const field = document.querySelector("#map input");
        field.value = ${JSON.stringify(text)};
        field.dispatchEvent(new Event("input"));
        const dots = [...document.querySelectorAll("#map figure circle")];
        return {
          found: dots.filter((dot) => dot.classList.contains("found")).map((dot) => dot.style.opacity),
          faint: dots.filter((dot) => dot.style.opacity !== "").length,
          said: document.querySelector("#map .find small").textContent,
        };
      })()`);
    const tea = await find("TEA-0");
    // two maps show items, and on each of them ten items match the search
    expect(tea.found.length).toBeGreaterThan(10);
    expect(new Set(tea.found)).toEqual(new Set([""]));
    expect(tea.faint).toBeGreaterThan(100);
    expect(tea.said).toMatch(/^\d+ found: tea-0\d, /);
    expect((await find("no such key")).said).toBe("0 found");
    expect(await find("")).toEqual({ found: [], faint: 0, said: "" });
  });
});

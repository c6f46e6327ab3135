// `npm run bench -- NAME`: runs one bench and prints what it measured.

const benches: Record<string, () => Promise<{ bench: () => Promise<void> }>> = {
  fm: () => import("./fm.js"),
  "fuzz-log": () => import("./fuzz-log.js"),
};

const load = benches[process.argv[2] ?? ""];
if (load) {
  const { bench } = await load();
  await bench();
} else {
  console.error(`usage: npm run bench -- ${Object.keys(benches).join("|")}`);
  process.exitCode = 64;
}

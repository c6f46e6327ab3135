// Writes dist/program/, what bin/embed.js runs and the package ships: the compiled modules, joined into files that are
// loaded together. This is the last step of the build. The reasons, and how modules
// are assigned to files: docs/decisions/0027-the-program-in-few-files.md.
//
//   dist/faces/cli/main.js, dist/library.js, threads' scripts ──► dist/program/*.cjs, *.js; dist/faces/cli/main.js is removed
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { rollup } from "rollup";
import { keepBuild } from "./keep-build.mjs";

const dist = resolve(dirname(fileURLToPath(import.meta.url)), "../dist");
const program = join(dist, "program");
const at = (name) => join(dist, `${name}.js`);
const [main, library] = [at("faces/cli/main"), at("library")];

/**
 * Packages that Node 20 cannot `require`, so that modules importing them must stay ES modules. All other modules become
 * CommonJS, which starts sooner.
 */
const ES_ONLY = /^hyparquet/;
/** Large packages that only a few commands need. */
const LARGE = /^(ml-matrix|yaml|zod|umap-js|fflate)\b/;

/** All modules that the import of a module loads, by module: itself, its imports, and packages. */
const loads = new Map();
/** Name of the output file of each module. */
let files;

const bundle = await rollup({
  input: { main, library },
  external: (id) => !id.startsWith(".") && !isAbsolute(id),
  // unused definitions stay: these are 7 KB, and finding them takes as long as all other steps
  treeshake: false,
  // lets an output file export more than its entry does, because other output files use its definitions
  preserveEntrySignatures: "allow-extension",
  onwarn: ({ message }) => {
    throw new Error(message);
  },
  plugins: [
    {
      ...{ name: "program", transform: withPlaces, resolveImportMeta, resolveFileUrl, renderDynamicImport },
      renderChunk: requireCommonJs,
      buildEnd() {
        for (const id of this.getModuleIds()) loads.set(id, loadedBy(id, this.getModuleInfo));
        files = cut(this.getModuleInfo);
      },
    },
  ],
});

/** Replaces URLs that are relative to a module, because it moves: a thread's script becomes a file of the program. */
function withPlaces(code, id) {
  const scripts = /new URL\("(\.\/[\w.-]+\.worker\.js|\.\/thread\.js)", import\.meta\.url\)/g;
  const placed = code
    .replaceAll(scripts, (_, path) => {
      const file = this.emitFile({ type: "chunk", id: resolve(dirname(id), path) });
      return `new URL(import.meta.ROLLUP_FILE_URL_${file})`;
    })
    .replaceAll("import.meta.url", `new URL(${JSON.stringify(relative(program, id))}, import.meta.url).href`);
  return { code: placed, map: null };
}

function resolveImportMeta(property, { format }) {
  return property === "url" ? ownUrl(format) : null;
}

function resolveFileUrl({ relativePath, format }) {
  return `new URL(${JSON.stringify(relativePath)}, ${ownUrl(format)}).href`;
}

function ownUrl(format) {
  return format === "cjs" ? 'require("node:url").pathToFileURL(__filename).href' : "import.meta.url";
}

function renderDynamicImport({ format, moduleId, targetChunk }) {
  // thread.js and rounds.js load tasks by their URL, and tasks are CommonJS
  if (moduleId === at("compute/threads/thread") || moduleId === at("compute/threads/rounds"))
    return { left: 'Promise.resolve().then(() => require(require("node:url").fileURLToPath(', right: ")))" };
  return format === "cjs" && targetChunk && isEs(targetChunk.moduleIds)
    ? { left: "import(", right: ")" }
    : null;
}

/** ES modules require our CommonJS files: importing one takes Node 20 longer, as it looks for the names of exports first. */
function requireCommonJs(code, _, { format }) {
  if (format !== "es") return null;
  const required = code.replaceAll(
    /^import \{([^}]*)\} from '(\.\/[^']+\.cjs)';$/gm,
    (_line, names, path) => `const {${names.replaceAll(" as ", ": ")}} = requireFile('${path}');`,
  );
  const head = `import { createRequire as requireFrom } from 'node:module';\nconst requireFile = requireFrom(import.meta.url);\n`;
  return required === code ? null : { code: head + required, map: null };
}

function loadedBy(id, info, found = new Set()) {
  if (found.has(id)) return found;
  found.add(id);
  for (const imported of info(id).importedIds) loadedBy(imported, info, found);
  return found;
}

function needs(id, packages) {
  return [...(loads.get(id) ?? [])].some((each) => packages.test(each));
}

function isEs(ids) {
  return ids.some((id) => id === library || needs(id, ES_ONLY));
}

/** Assigns an output file to each module, except modules for few commands: Rollup groups these by importers. */
function cut(info) {
  const found = new Map();
  const ours = [...loads.keys()].filter((id) => id.startsWith(dist));
  const loadedWith = (...ids) =>
    [...new Set(ids.flatMap((id) => [...loads.get(id)]))].filter((id) => id.startsWith(dist));
  // puts a module into the first file that needs it, so that a file only imports from files before it
  const put = (file, modules) => {
    for (const id of modules) if (!found.has(id)) found.set(id, file);
  };

  const scripts = ours.filter((id) => id.endsWith(".worker.js"));
  const tasks = scripts.filter(
    (id) => !["faces/cli", "log", "use/on-spark"].some((folder) => id.startsWith(join(dist, folder))),
  );
  const inTasks = new Set(loadedWith(at("compute/threads/thread"), ...tasks));
  put("main", loadedWith(main, at("compute/threads/process-limits")));
  put("start-thread", loadedWith(at("faces/cli/start-thread")));
  put(
    "shared",
    loadedWith(at("use/neighbors/neighbors")).filter((id) => inTasks.has(id)),
  );
  put("tasks", inTasks);
  put("commands", loadedWith(at("faces/cli/command.worker"), at("faces/cli/command-here")));
  put(
    "runs",
    loadedWith(at("faces/cli/commands/neighbors"), at("use/neighbors/neighbors"), at("trainers/fm/models")),
  );
  put("scan", loadedWith(at("log/text/scan.worker")));
  put("logs", loadedWith(at("log/open"), at("training/reading/read-dataset")));
  put("training", loadedWith(at("faces/cli/commands/train"), at("training/session/session")));

  // first the modules that several trainers need, then those of each trainer
  const trainers = ours.filter((id) => /^trainers.[^\\/]+.trainer\.js$/.test(relative(dist, id)));
  const eachLoads = trainers.map((trainer) => {
    const learning = info(trainer).dynamicallyImportedIds.filter((id) => dirname(id) === dirname(trainer));
    return loadedWith(trainer, ...learning).filter((id) => !needs(id, ES_ONLY) && !needs(id, LARGE));
  });
  const several = eachLoads.flat().filter((id, i, all) => all.indexOf(id) !== i);
  put("trainers", several);
  for (const [t, trainer] of trainers.entries())
    put(relative(dist, dirname(trainer)).replace(/[\\/]/, "-"), eachLoads[t]);

  // these modules act when they are loaded, so that each stays in a file of its own, which no other file loads
  for (const id of [...scripts, at("compute/threads/thread"), library]) found.delete(id);
  return found;
}

/**
 * Writes commander, which every command loads, as a file of the program: so it starts sooner. It needs child_process only
 * to run a subcommand that is a program of its own, and embed has none.
 */
async function writeCommander() {
  const index = createRequire(import.meta.url).resolve("commander");
  const onUse = {
    name: "child_process-on-use",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^node:child_process$/, namespace: "file" }, () => ({
        path: "on-use",
        namespace: "on-use",
      }));
      onLoad({ filter: /.*/, namespace: "on-use" }, () => ({
        contents: 'exports.spawn = (...args) => require("node:child_process").spawn(...args);',
      }));
    },
  };
  await build({
    ...{
      entryPoints: [index],
      bundle: true,
      platform: "node",
      target: "node20",
      format: "cjs",
      plugins: [onUse],
    },
    banner: { js: `/*\n${readFileSync(join(dirname(index), "LICENSE"), "utf8")}*/` },
    outfile: join(program, "commander.cjs"),
  });
}

const fileName = ({ moduleIds }) => (isEs(moduleIds) ? "[name].js" : "[name].cjs");
rmSync(program, { recursive: true, force: true });
mkdirSync(program);
for (const [format, ending] of [
  ["cjs", ".cjs"],
  ["es", ".js"],
]) {
  const { output } = await bundle.generate({
    format,
    dir: program,
    entryFileNames: fileName,
    chunkFileNames: fileName,
    manualChunks: (id) => files.get(id),
    onlyExplicitManualChunks: true,
    hoistTransitiveImports: false,
    paths: { commander: "./commander.cjs" },
    minifyInternalExports: false,
    generatedCode: "es2015",
  });
  for (const { fileName: name, code } of output)
    if (name.endsWith(ending)) writeFileSync(join(program, name), code);
}
await writeCommander();
// removes the compiled main module: as long as it exists, bin/embed.js runs it instead of the bundle
rmSync(main);
keepBuild(join(dist, ".."));

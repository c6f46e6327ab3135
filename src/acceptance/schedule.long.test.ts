// `embed schedule`: units that their schedulers accept, and that run in cron's minimal environment.

import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture, program } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
// a folder whose name has characters that shells, cron, systemd, Kubernetes and Jinja each interpret differently
const odd = join(folder, String.raw`it's 50% \% $HOME $(NAME) $$ "{{x}}"`);
const file = join(odd, "Shop weekly.yaml");

beforeAll(() => {
  mkdirSync(odd);
  writeFileSync(file, "name: shop\n");
});

const scheduled = async (...args: string[]) => (await embedOk(["schedule", file, ...args])).stdout;

/** Whether a program is installed; a test that needs it is skipped otherwise. */
function has(command: string): boolean {
  return spawnSync("/bin/sh", ["-c", `command -v ${command}`]).status === 0;
}

/** Parses the line of a crontab: five fields, and the command as cron passes it to /bin/sh. */
function cronLine(text: string): { fields: string[]; command: string } {
  const [line, ...rest] = text.split("\n").filter((each) => each !== "" && !each.startsWith("#"));
  expect(rest).toEqual([]);
  const [, fields, command] = /^((?:\S+ ){5})(.*)$/.exec(line!)!;
  // the command must not contain \% or \\, because versions of cron interpret them differently
  expect(command).not.toMatch(/%|\\\\/);
  return { fields: fields!.trim().split(" "), command: command! };
}

/** Writes a program that replaces embed: it prints its folder and arguments, and exits with a code. */
function standIn(code: number): string {
  const path = join(odd, `ends-with-${code}.js`);
  writeFileSync(
    path,
    `console.log(JSON.stringify([process.cwd(), ...process.argv.slice(2)]));\nprocess.exit(${code});\n`,
  );
  return path;
}

/** Runs a command as cron does, without HOME and terminal; its output would be mailed. */
function bare(command: string): { status: number | null; mail: string } {
  const args = ["-i", "PATH=/usr/bin:/bin", "/bin/sh", "-c", command];
  const { status, stdout, stderr } = spawnSync("/usr/bin/env", args, { cwd: "/", encoding: "utf8" });
  return { status, mail: stdout + stderr };
}

describe("crontab", () => {
  test.each([
    [["--weekly", "sun 03:00"], "0 3 * * 0"],
    [["--weekly", "Saturday 23:59"], "59 23 * * 6"],
    [["--daily", "4:05"], "5 4 * * *"],
  ])("%j is %j", async (time, fields) => {
    expect(cronLine(await scheduled(...time, "--as", "crontab")).fields.join(" ")).toBe(fields);
  });

  test("the line runs in an empty environment, from the pipeline's folder, and adds to its log", async () => {
    const { command } = cronLine(
      await scheduled("--daily", "03:00", "--as", "crontab", "--embed", standIn(0)),
    );
    expect(bare(command)).toEqual({ status: 0, mail: "" });
    expect(bare(command)).toEqual({ status: 0, mail: "" });
    const log = readFileSync(join(odd, "Shop weekly.log"), "utf8").trim().split("\n");
    expect(log).toEqual([1, 2].map(() => JSON.stringify([odd, "run", file])));
  });

  test("a failure is mailed with the end of the log, and keeps its exit code", async () => {
    const failing = ["--daily", "03:00", "--as", "crontab", "--embed", standIn(81)];
    const { command } = cronLine(await scheduled(...failing, "--log", join(odd, "failing.log")));
    expect(bare(command)).toEqual({ status: 81, mail: `${JSON.stringify([odd, "run", file])}\n` });
    const elsewhere = cronLine(await scheduled(...failing, "--log", join(folder, "absent", "x.log")));
    const got = bare(elsewhere.command);
    expect(got.status).not.toBe(0);
    expect(got.mail).toContain("absent");
  });

  const parses = has("crontab") && spawnSync("crontab", ["-n", "-"], { input: "" }).status === 0;
  if (!parses) console.warn("skipped: crontab -n, of Debian's cron, is not here to parse the line");
  (parses ? test : test.skip)("cron's own parser takes the line", async () => {
    const input = await scheduled("--weekly", "sun 03:00", "--as", "crontab");
    const got = spawnSync("crontab", ["-n", "-"], { input, encoding: "utf8" });
    expect({ status: got.status, stderr: got.stderr }).toMatchObject({ status: 0 });
  });

  test("a line that is longer than cron reads is refused", async () => {
    const log = join(folder, "x".repeat(200), "y".repeat(200), "z".repeat(100));
    const got = await embed(["schedule", file, "--daily", "03:00", "--as", "crontab", "--log", log]);
    expect([got.code, got.stdout]).toEqual([64, ""]);
    expect(got.stderr).toContain("bytes, cron is limited to 998: ");
  });
});

test("each pipeline of a folder has a name and a log of its own, which all schedulers take", async () => {
  const files = ["a-b.yaml", "a b.yaml", "A-b.yaml", "a-b.yml", "a-b", `${"long-".repeat(20)}1.yaml`];
  files.push(`${"long-".repeat(20)}2.yaml`, `${"x".repeat(39)}-y.yaml`);
  for (const name of files) writeFileSync(join(folder, name), "name: shop\n");
  const texts = files.map((name) =>
    embedOk(["schedule", join(folder, name), "--daily", "03:00", "--as", "systemd"]),
  );
  const found = (await Promise.all(texts)).map(({ stdout }) => ({
    name: /(embed-\S+)\.service/.exec(stdout)![1]!,
    log: /^StandardOutput=append:(.*)$/m.exec(stdout)![1]!,
  }));
  expect(found[0]).toEqual({ name: "embed-a-b", log: join(folder, "a-b.log") });
  expect(new Set(found.map(({ name }) => name)).size).toBe(files.length);
  expect(new Set(found.map(({ log }) => log)).size).toBe(files.length);
  // names follow RFC 1123, and have at most the 52 characters that Kubernetes allows a CronJob
  for (const { name } of found) expect(name).toMatch(/^(?=.{1,52}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
});

test("the line of a crontab publishes what the pipeline says, without HOME and terminal", async () => {
  const lines = readFileSync(fixture("clicks.csv"), "utf8").split("\n").slice(0, 2000);
  writeFileSync(join(odd, "clicks.csv"), `${lines.join("\n")}\n`);
  const pipeline =
    "name: shop\nstore: store\nlog: clicks.csv\ntrain: {items: {command: train-fm, epochs: 1, valid: 0.1}}\n";
  writeFileSync(join(odd, "real.yaml"), pipeline);
  const at = ["schedule", join(odd, "real.yaml"), "--daily", "03:00", "--as", "crontab"];
  const { command } = cronLine((await embedOk(at)).stdout);
  const got = bare(command);
  const log = readFileSync(join(odd, "real.log"), "utf8");
  expect({ ...got, log }).toMatchObject({ status: 0, mail: "" });
  expect(existsSync(join(odd, "store", "items", "latest", "manifest.json"))).toBe(true);
});

describe("systemd", () => {
  const unitsOf = (text: string) =>
    new Map(
      text.split(/^# (?=\/etc)/m).flatMap((part) => {
        const [, path] = /^\/etc\/systemd\/system\/(\S+?),? *(?:then.*)?\n/.exec(part) ?? [];
        return path === undefined
          ? []
          : [[path.replace(/,$/, ""), part.slice(part.indexOf("\n") + 1)] as const];
      }),
    );

  test("a service and a timer, a locked store tried again", async () => {
    const units = unitsOf(
      await scheduled("--weekly", "sun 03:00", "--as", "systemd", "--name", "Shop weekly"),
    );
    expect([...units.keys()]).toEqual(["embed-shop-weekly.service", "embed-shop-weekly.timer"]);
    expect(units.get("embed-shop-weekly.timer")).toContain("OnCalendar=Sun *-*-* 03:00:00");
    const service = units.get("embed-shop-weekly.service")!;
    const final = /^RestartPreventExitStatus=(.*)$/m.exec(service)![1]!.split(" ");
    expect([final.includes("81"), final.includes("75")]).toEqual([true, false]);
    // % and $ are special in systemd
    const own = file
      .replaceAll(/["\\]/g, String.raw`\$&`)
      .replaceAll("%", "%%")
      .replaceAll("$", "$$$$");
    expect(service).toContain(`run "${own}"`);
  });

  test("no value ends with a backslash, which would join the next line to it", async () => {
    const trailing = join(folder, String.raw`C:\logs\ `.trim());
    mkdirSync(trailing);
    for (const name of ["s.yaml", "s\\"]) {
      writeFileSync(join(trailing, name), "name: shop\n");
      const at = ["schedule", join(trailing, name), "--daily", "03:00", "--as", "systemd"];
      const { stdout } = await embedOk([...at, "--log", "x.log"]);
      expect(stdout).not.toMatch(/[\\ ]$/m);
      expect(stdout).toContain(`WorkingDirectory=${trailing}/.\n`);
    }
    const log = ["--log", "x\\"];
    const got = await embed(argv`schedule ${join(trailing, "s.yaml")} --daily 03:00 --as systemd ${log}`);
    expect([got.code, got.stderr]).toEqual([64, expect.stringContaining("ends with a backslash")]);
  });

  const verifies = has("systemd-analyze");
  if (!verifies) console.warn("skipped: systemd-analyze is not here to verify the units");
  (verifies ? test : test.skip)("systemd-analyze verify finds nothing wrong", async () => {
    // systemd-analyze checks that the program exists, and reads the path without its quotes
    const plain = join(folder, "50% $HOME {{x}}");
    mkdirSync(plain);
    for (const [i, where] of [odd, plain].entries()) {
      const node = join(where, "no$de");
      copyFileSync(process.execPath, node);
      const named = ["--name", `verified-${i}`, "--node", node];
      const units = unitsOf(await scheduled("--weekly", "sun 03:00", "--as", "systemd", ...named));
      for (const [name, text] of units) writeFileSync(join(folder, name), text);
      const paths = [...units.keys()].map((name) => join(folder, name));
      const got = spawnSync("systemd-analyze", ["verify", "--man=no", ...paths], { encoding: "utf8" });
      const own = got.stderr.split("\n").filter((line) => line.includes("embed-verified"));
      expect({ status: got.status, own }).toEqual({ status: 0, own: [] });
    }
  });
});

test("kubernetes: a CronJob that YAML reads, one at a time, with final codes that are not tried again", async () => {
  const text = await scheduled(
    "--weekly",
    "sun 03:00",
    "--as",
    "kubernetes",
    "--image",
    "shop/embed:1",
    "--node",
    "/usr/bin/node",
  );
  // parsed as Kubernetes does: YAML 1.1, one document, no duplicate keys
  const [document, ...rest] = parseAllDocuments(text, { version: "1.1", strict: true, uniqueKeys: true });
  expect(rest).toEqual([]);
  expect([document!.errors, document!.warnings]).toEqual([[], []]);
  const job = document!.toJS() as {
    kind: string;
    metadata: { name: string };
    spec: {
      schedule: string;
      concurrencyPolicy: string;
      jobTemplate: {
        spec: {
          podFailurePolicy: { rules: { onExitCodes: { values: number[] } }[] };
          template: {
            spec: {
              restartPolicy: string;
              containers: { command: string[]; workingDir: string; volumeMounts: { mountPath: string }[] }[];
            };
          };
        };
      };
    };
  };
  expect(job.kind).toBe("CronJob");
  expect(job.metadata.name).toMatch(/^embed-shop-weekly-[0-9a-f]{6}$/);
  expect([job.spec.schedule, job.spec.concurrencyPolicy]).toEqual(["0 3 * * 0", "Forbid"]);
  const { podFailurePolicy, template } = job.spec.jobTemplate.spec;
  expect(template.spec.restartPolicy).toBe("Never");
  const [container] = template.spec.containers;
  // in a command, Kubernetes replaces $(NAME), and reads $$ as $; it does not interpret the names of folders
  expect(container!.command).toEqual(["/usr/bin/node", program, "run", file.replaceAll("$", "$$$$")]);
  expect([container!.workingDir, container!.volumeMounts[0]!.mountPath]).toEqual([odd, odd]);
  const { values } = podFailurePolicy.rules[0]!.onExitCodes;
  expect([values.includes(81), values.includes(75), values.includes(0)]).toEqual([true, false, false]);
});

describe("airflow", () => {
  const python = has("python3");
  if (!python) console.warn("skipped: python3 is not here to run the DAG");

  // Python source that replaces the parts of Airflow that the DAG uses: it runs the task at once, and prints the
  // outcome
  const airflow = `
import contextlib, json, sys, types
seen = {}
class DAG:
    def __init__(self, **options): seen.update(options)
    def __enter__(self): return self
    def __exit__(self, *exception): return False
def task(**options):
    seen.update(options)
    def decorate(work):
        def called():
            with contextlib.redirect_stdout(types.SimpleNamespace(write=lambda text: lines.append(text), flush=lambda: None)):
                try: work(); seen["ended"] = "success"
                except Exception as error: seen["ended"] = type(error).__name__
        return called
    return decorate
lines = []
sdk, exceptions = types.ModuleType("airflow.sdk"), types.ModuleType("airflow.sdk.exceptions")
sdk.DAG, sdk.task = DAG, task
for name in ("AirflowException", "AirflowFailException", "AirflowSkipException"):
    setattr(exceptions, name, type(name, (Exception,), {}))
sys.modules.update({"airflow": types.ModuleType("airflow"), "airflow.sdk": sdk, "airflow.sdk.exceptions": exceptions})
exec(compile(sys.stdin.read(), "dag.py", "exec"), {})
seen["log"] = "".join(lines)
print(json.dumps(seen, default=str))
`;

  (python ? test : test.skip)(
    "the task logs what embed prints; what trying again does not change fails it at once",
    async () => {
      const runs = await Promise.all(
        [[0], [81], [75], [74], [75, "--skip-locked"], [81, "--skip-locked"]].map(async ([code, ...rest]) => {
          const at = ["--weekly", "sun 03:00", "--as", "airflow", "--embed", standIn(code as number)];
          const input = await scheduled(...at, ...(rest as string[]));
          const dag = JSON.parse(
            execFileSync("python3", ["-c", airflow], { input, encoding: "utf8", cwd: "/" }),
          ) as Record<string, unknown>;
          expect(dag).toMatchObject({
            schedule: "0 3 * * 0",
            max_active_runs: 1,
            catchup: false,
            retries: 2,
          });
          expect(dag["log"]).toBe(`${JSON.stringify([odd, "run", file])}\n`);
          return dag["ended"];
        }),
      );
      const failed = "AirflowFailException";
      const again = "AirflowException";
      expect(runs).toEqual(["success", failed, again, again, "AirflowSkipException", failed]);
    },
  );
});

test.each([
  [["--as", "crontab"], "--weekly 'sun 03:00' or --daily 03:00"],
  [
    ["--as", "crontab", "--weekly", "sun 03:00", "--daily", "03:00"],
    "set either --weekly 'sun 03:00' or --daily 03:00",
  ],
  [["--as", "crontab", "--weekly", "someday 03:00"], "such as 'sun 03:00', got 'someday 03:00'"],
  [["--as", "crontab", "--daily", "25:00"], "such as 03:00, got '25:00'"],
  [["--as", "kubernetes", "--daily", "03:00"], "--image"],
  [["--as", "systemd", "--daily", "03:00", "--skip-locked"], "--as airflow"],
  [
    ["--as", "airflow", "--daily", "03:00", "--log", "x.log"],
    "--log needs --as crontab, systemd, got airflow",
  ],
  [
    ["--as", "kubernetes", "--daily", "03:00", "--image", "shop embed"],
    "such as shop/embed:1, got 'shop embed'",
  ],
  [["--as", "crontab", "--daily", "03:00", "--name", "x".repeat(41)], "1 to 40 letters"],
  [["--as", "crontab", "--daily", "03:00", "--log", "a\u202eb"], '"a\\u202eb"'.slice(1, -1)],
  [["--as", "anacron", "--daily", "03:00"], "crontab"],
])("%j is 64: %s", async (args, message) => {
  const got = await embed(["schedule", file, ...args]);
  expect([got.code, got.stdout]).toEqual([64, ""]);
  expect(got.stderr).toContain(message);
});

test("a pipeline file that is not there is 66", async () => {
  expect(
    (await embed(["schedule", join(folder, "no.yaml"), "--daily", "03:00", "--as", "crontab"])).code,
  ).toBe(66);
});

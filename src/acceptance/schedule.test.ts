// `embed schedule`: units that their own schedulers take, and that run in cron's bare environment.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { program } from "../testing/places.js";

const folder = temporaryFolder();
// what shells, cron, systemd and Jinja each read in their own way
const odd = join(folder, "it's 50% $HOME {{x}}");
const file = join(odd, "Shop weekly.yaml");

beforeAll(() => {
  mkdirSync(odd);
  writeFileSync(file, "name: shop\n");
});

const scheduled = async (...args: string[]) => (await embedOk(["schedule", file, ...args])).stdout;

/** Whether a program is there; a test that needs it says that it is skipped. */
function has(command: string): boolean {
  return spawnSync("/bin/sh", ["-c", `command -v ${command}`]).status === 0;
}

/** The line of a crontab: five fields, and the command as cron gives it to /bin/sh. */
function cronLine(text: string): { fields: string[]; command: string } {
  const [line, ...rest] = text.split("\n").filter((each) => each !== "" && !each.startsWith("#"));
  expect(rest).toEqual([]);
  const [, fields, command] = /^((?:\S+ ){5})(.*)$/.exec(line!)!;
  expect(command).not.toMatch(/(?<!\\)%/);
  return { fields: fields!.trim().split(" "), command: command!.replaceAll("\\%", "%") };
}

/** A program in embed's place that says where it was run and with what, and ends with a code. */
function standIn(code: number): string {
  const path = join(odd, `ends-with-${code}.js`);
  writeFileSync(
    path,
    `console.log(JSON.stringify([process.cwd(), ...process.argv.slice(2)]));\nprocess.exit(${code});\n`,
  );
  return path;
}
/** Runs a command as cron does, without HOME and terminal. */
function bare(command: string): number | null {
  return spawnSync("/usr/bin/env", ["-i", "PATH=/usr/bin:/bin", "/bin/sh", "-c", command], { cwd: "/" })
    .status;
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
    expect(bare(command)).toBe(0);
    expect(bare(command)).toBe(0);
    const log = readFileSync(join(odd, "Shop weekly.log"), "utf8").trim().split("\n");
    expect(log).toEqual([1, 2].map(() => JSON.stringify([odd, "run", file])));
  });
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
    const units = unitsOf(await scheduled("--weekly", "sun 03:00", "--as", "systemd"));
    expect([...units.keys()]).toEqual(["embed-shop-weekly.service", "embed-shop-weekly.timer"]);
    expect(units.get("embed-shop-weekly.timer")).toContain("OnCalendar=Sun *-*-* 03:00:00");
    const service = units.get("embed-shop-weekly.service")!;
    const final = /^RestartPreventExitStatus=(.*)$/m.exec(service)![1]!.split(" ");
    expect([final.includes("81"), final.includes("75")]).toEqual([true, false]);
    // % and $ are systemd's own
    expect(service).toContain(`run "${file.replaceAll("%", "%%").replaceAll("$", "$$$$")}"`);
  });

  const verifies = has("systemd-analyze");
  if (!verifies) console.warn("systemd-analyze is not here: its verification of the units is skipped");
  (verifies ? test : test.skip)("systemd-analyze verify finds nothing wrong", async () => {
    const units = unitsOf(await scheduled("--weekly", "sun 03:00", "--as", "systemd", "--name", "verified"));
    for (const [name, text] of units) writeFileSync(join(folder, name), text);
    const paths = [...units.keys()].map((name) => join(folder, name));
    const got = spawnSync("systemd-analyze", ["verify", "--man=no", ...paths], { encoding: "utf8" });
    const own = got.stderr.split("\n").filter((line) => line.includes("embed-verified"));
    expect({ status: got.status, own }).toEqual({ status: 0, own: [] });
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
  const [document, ...rest] = parseAllDocuments(text);
  expect(rest).toEqual([]);
  expect(document!.errors).toEqual([]);
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
            spec: { restartPolicy: string; containers: { command: string[]; workingDir: string }[] };
          };
        };
      };
    };
  };
  expect([job.kind, job.metadata.name]).toEqual(["CronJob", "embed-shop-weekly"]);
  expect([job.spec.schedule, job.spec.concurrencyPolicy]).toEqual(["0 3 * * 0", "Forbid"]);
  const { podFailurePolicy, template } = job.spec.jobTemplate.spec;
  expect(template.spec.restartPolicy).toBe("Never");
  expect(template.spec.containers[0]).toMatchObject({
    command: ["/usr/bin/node", program, "run", file],
    workingDir: odd,
  });
  const { values } = podFailurePolicy.rules[0]!.onExitCodes;
  expect([values.includes(81), values.includes(75), values.includes(0)]).toEqual([true, false, false]);
});

describe("airflow", () => {
  const python = has("python3");
  if (!python) console.warn("python3 is not here: the DAG's reading by Python is skipped");
  /** Arguments of the DAG's calls, read by Python's own parser. */
  const readDag = (text: string): Record<string, string> => {
    const script =
      "import ast,json,sys\nt=ast.parse(sys.stdin.read())\n" +
      "print(json.dumps({k.arg:k.value.value for n in ast.walk(t) if isinstance(n,ast.Call) for k in n.keywords if isinstance(k.value,ast.Constant)}))";
    return JSON.parse(execFileSync("python3", ["-c", script], { input: text, encoding: "utf8" })) as Record<
      string,
      string
    >;
  };

  (python ? test : test.skip)(
    "Python parses the DAG, whose command runs and ends with embed's code",
    async () => {
      const at = ["--weekly", "sun 03:00", "--as", "airflow"];
      const dag = readDag(await scheduled(...at, "--embed", standIn(81)));
      expect(dag).toMatchObject({
        dag_id: "embed-shop-weekly",
        schedule: "0 3 * * 0",
        max_active_runs: 1,
        skip_on_exit_code: 99,
      });
      // as Jinja gives it to the shell
      const rendered = (text: string) => text.replaceAll("{{ '{' }}", "{");
      expect(dag["bash_command"]!.replaceAll("{{ '{' }}", "")).not.toMatch(/\{[{%#]/);
      expect(bare(rendered(dag["bash_command"]!))).toBe(81);

      const skipping = async (code: number) =>
        bare(
          rendered(
            readDag(await scheduled(...at, "--skip-locked", "--embed", standIn(code)))["bash_command"]!,
          ),
        );
      expect([await skipping(75), await skipping(81), await skipping(0)]).toEqual([99, 81, 0]);
    },
  );
});

test.each([
  [["--as", "crontab"], "--weekly 'sun 03:00' or --daily 03:00"],
  [["--as", "crontab", "--weekly", "sun 03:00", "--daily", "03:00"], "one of them"],
  [["--as", "crontab", "--weekly", "someday 03:00"], "such as 'sun 03:00', got 'someday 03:00'"],
  [["--as", "crontab", "--daily", "25:00"], "such as 03:00, got '25:00'"],
  [["--as", "kubernetes", "--daily", "03:00"], "--image"],
  [["--as", "systemd", "--daily", "03:00", "--skip-locked"], "--as airflow"],
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

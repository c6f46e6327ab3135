// `--checkpoint-every` and `--resume`: a training that is killed with -9 and resumed gives the same bytes as an
// uninterrupted one.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { jsonLines } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clicks = fixture("clicks.csv");
const cut = ["--valid", "0.1", "--test", "0.1", "--split", "time"];

/** Returns the contents of all files of a run, without times. */
function bytesOf(run: string): Record<string, string> {
  const files = ["embeddings.arrow", ...readdirSync(join(at(run), "model")).map((name) => `model/${name}`)];
  return Object.fromEntries(
    files.map((name) => [name, readFileSync(join(at(run), name)).toString("base64")]),
  );
}
const lossesOf = (run: string) =>
  jsonLines<Record<string, number>>(readFileSync(join(at(run), "metrics.jsonl"), "utf8")).map(
    ({ epoch, trainLoss, validLoss, best, refit }) => ({ epoch, trainLoss, validLoss, best, refit }),
  );

/**
 * Trains twice: without interruption, and with a kill -9 when the line of an epoch is printed. The second training is
 * completed with --resume.
 */
async function killedAndWhole(name: string, killAt: RegExp, options: string[]): Promise<void> {
  const train = ["train-fm", clicks, ...options];
  await embedOk([...train, "-o", at(`${name}-whole`)]);
  const checkpointed = [...train, "-o", at(`${name}-killed`), "--checkpoint-every", "2", "--resume"];
  const killed = await embed(checkpointed, { signalWhen: { stderr: killAt, signal: "SIGKILL" } });
  expect(killed.signal).toBe("SIGKILL");
  expect(existsSync(at(`${name}-killed`))).toBe(false);
  expect(existsSync(at(`${name}-killed.checkpoint`))).toBe(true);
  // resumes with another number of threads, on which a checkpoint does not depend
  const resumed = await embedOk([...checkpointed, "--threads", "1"]);
  expect(resumed.stderr).toMatch(/resuming after epoch \d*[02468]\n/);
  expect(bytesOf(`${name}-killed`)).toEqual(bytesOf(`${name}-whole`));
  expect(lossesOf(`${name}-killed`)).toEqual(lossesOf(`${name}-whole`));
  expect(existsSync(at(`${name}-killed.checkpoint`))).toBe(false);
}

describe("a training that was killed goes on to the same bytes", () => {
  test("with early stopping, killed while it waits for a better epoch", async () => {
    const options = argv`${cut} --epochs 300 --patience 6 --l2-vector 0.1 --keep-state`;
    await killedAndWhole("waiting", /"epoch":26,/, options);
    // the parameters and the optimizer's state of the best epoch come from the checkpoint
    expect(lossesOf("waiting-whole").findLast(({ best }) => best)!.epoch).toBe(23);
  });
  test("without validation, and by adam", () =>
    killedAndWhole("adam", /"epoch":25,/, argv`--epochs 40 --method adam --learning-rate 0.001`));
  test("by als, which stops early", () =>
    killedAndWhole("als", /"epoch":5,/, argv`${cut} --method als --epochs 30 --patience 30 --l2 3`));
  test("by mcmc, killed among its draws", () =>
    killedAndWhole("mcmc", /"epoch":25,/, [...cut, "--method", "mcmc", "--epochs", "34", "--dim", "4"]));
  test("with negatives drawn anew each epoch, hidden keys and the optimizer's state kept", async () => {
    const purchases = fixture("purchases.csv");
    const options = argv`--user customer_id --item product_id --negatives 2 --oov-dropout 0.1`;
    const train = ["train-fm", purchases, ...options, "--valid", "0.1", "--epochs", "20", "--keep-state"];
    await embedOk([...train, "-o", at("drawn-whole"), "--patience", "20"]);
    const again = argv`${train} -o ${at("drawn-killed")} --patience 20 --checkpoint-every 3 --resume`;
    await embed(again, { signalWhen: { stderr: /"epoch":8,/, signal: "SIGKILL" } });
    await embedOk(again);
    expect(bytesOf("drawn-killed")).toEqual(bytesOf("drawn-whole"));
  });
  test("a field-aware machine", () =>
    killedAndWhole("ffm", /"epoch":7,/, argv`${cut} --model ffm --epochs 40 --patience 8 --method sgd`));
  test("while it refits", () =>
    killedAndWhole("refit", /refit: [\s\S]*"epoch":5,/, argv`${cut} --epochs 8 --refit --metric auc`));
});

test.each([
  ["1000", ""],
  ["1", "; the checkpoint is kept: continue with --resume"],
])("a signal with --checkpoint-every %s says whether there is a checkpoint", async (every, kept) => {
  const { code, stderr } = await embed(
    argv`train-fm ${clicks} -o ${at(`kept-${every}`)} --epochs 100000 --checkpoint-every ${every}`,
    { signalWhen: { stderr: /"epoch":2,/, signal: "SIGHUP" } },
  );
  expect([code, stderr]).toEqual([129, expect.stringContaining(`an existing run is unchanged${kept}"`)]);
});

test("SIGUSR1 starts no debugger", async () => {
  const args = ["train-fm", clicks, "-o", at("undisturbed"), "--epochs", "40"];
  const { code, stderr } = await embed(args, { signalWhen: { stderr: /"epoch":2,/, signal: "SIGUSR1" } });
  expect(code).toBe(0);
  expect(stderr).toContain('"epoch":40,');
  expect(stderr).not.toContain("Debugger");
});

describe("--resume", () => {
  const train = (run: string) => [
    ...["train-fm", clicks, "-o", at(run), "--epochs", "100000", "--checkpoint-every", "1"],
  ];
  beforeAll(async () => {
    await embed(train("half"), { signalWhen: { stderr: /"epoch":3,/, signal: "SIGKILL" } });
  });

  test("starts from the beginning where there is no checkpoint", async () => {
    await embedOk(["train-fm", clicks, "-o", at("fresh"), "--epochs", "1", "--resume"]);
  });

  test("refuses the checkpoint of another training with 64 and names what differs", async () => {
    const { code, stderr } = await embed([...train("half"), "--resume", "--dim", "8"]);
    expect([code, stderr]).toEqual([
      64,
      expect.stringMatching(/belongs to a training with different dim: resume with/),
    ]);
  });

  test("refuses a damaged checkpoint with 82", async () => {
    const file = at("torn.checkpoint");
    writeFileSync(file, readFileSync(at("half.checkpoint")).subarray(0, 1000));
    expect((await embed([...train("torn"), "--resume"])).code).toBe(82);
    writeFileSync(file, "' is not a checkpoint or is damaged: remove it and train from the start");
    expect((await embed([...train("torn"), "--resume"])).code).toBe(82);
  });
});

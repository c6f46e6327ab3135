// Tests that each row is uploaded once, in chunks that fit in a message.

import { IoError, UsageError } from "../../base/errors.js";
import { arrow } from "../../base/io/apache-arrow.js";
import type { SparkCommand, Relation } from "./plans.js";
import type { EngineSession } from "./session.js";
import { checkCanTrain, upload } from "./upload.js";

/** Returns a session that records the messages sent through it. */
function recording(relationId: (at: number) => string | undefined = String) {
  const commands: SparkCommand[] = [];
  const execute = (command: SparkCommand) => {
    commands.push(command);
    const id = relationId(commands.length - 1);
    return Promise.resolve({
      checkpointCommandResult: { relation: id === undefined ? {} : { relationId: id } },
    });
  };
  return { commands, session: { shown: "sc://host", execute } as unknown as EngineSession };
}

/** Returns the ids of the relations that a union concatenates, from left to right, and the depth of the union. */
function leavesOf(relation: Relation): { ids: string[]; depth: number } {
  const { cachedRemoteRelation: kept, setOp } = relation as {
    cachedRemoteRelation?: { relationId: string };
    setOp?: { leftInput: Relation; rightInput: Relation };
  };
  if (kept) return { ids: [kept.relationId], depth: 1 };
  const [left, right] = [leavesOf(setOp!.leftInput), leavesOf(setOp!.rightInput)];
  return { ids: [...left.ids, ...right.ids], depth: 1 + Math.max(left.depth, right.depth) };
}

test("chunks hold every row once, and the relation is the union of all", async () => {
  // a row has 12 bytes, so 700,000 rows exceed one message of 8 MiB
  const numRows = 1_800_000;
  const columns = {
    user: Int32Array.from({ length: numRows }, (_, i) => i),
    rating: Float64Array.from({ length: numRows }, (_, i) => i / 4),
  };
  const { commands, session } = recording();
  const sent: number[] = [];
  const relation = await upload(session, columns, "the events", (rows) => sent.push(rows));
  const { ids, depth } = leavesOf(relation);
  expect(ids).toEqual(commands.map((_, i) => String(i)));
  expect([ids.length, depth, sent.at(-1)]).toEqual([3, 3, numRows]);
  let [row, wrong] = [0, 0];
  for (const { checkpointCommand } of commands as { checkpointCommand: Record<string, unknown> }[]) {
    expect(checkpointCommand).toMatchObject({ local: true, eager: true });
    const { data } = (checkpointCommand["relation"] as { localRelation: { data: Uint8Array } }).localRelation;
    expect(data.length).toBeLessThan(16 << 20);
    const table = arrow.tableFromIPC(data);
    const [users, ratings] = ["user", "rating"].map((name) => table.getChild(name)!.toArray() as Int32Array);
    for (let i = 0; i < table.numRows; i++, row++) if (users![i] !== row || ratings![i] !== row / 4) wrong++;
  }
  expect([row, wrong]).toEqual([numRows, 0]);
});

test("a server that does not say where it keeps the rows is an error", async () => {
  const { session } = recording(() => undefined);
  const sending = upload(session, { user: Int32Array.of(1) }, "the events");
  await expect(sending).rejects.toThrow(IoError);
  await expect(sending).rejects.toThrow(/sending the events failed/);
});

test("a server that keeps no rows is refused for trainings, with its version", () => {
  const of = (version: string) => () => checkCanTrain({ shown: "sc://host:15002", version });
  expect(of("3.5.8")).toThrow(UsageError);
  expect(of("3.5.8")).toThrow(/needs Spark 4.0 or later, and sc:\/\/host:15002 is Spark 3.5.8/);
  expect(of("")).toThrow(UsageError);
  expect(of("4.0.0")).not.toThrow();
  expect(of("10.1.0-SNAPSHOT")).not.toThrow();
});

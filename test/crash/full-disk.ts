import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Fixture } from "../support/child.js";
import type { Operation } from "../support/operations.js";
import { Scene } from "../support/operations.js";
import { type DiskKind, fill, smallDisk } from "../support/small-disk.js";
import { afterACleanStart } from "./kill-sweep.js";

const WRITERS = 2;
const STAYS_SO = 50; // milliseconds

const OPERATION: Operation = {
  options: { maxBytes: "64KiB", backupCount: 1000, useGzip: true },
  limits: { maxBytes: 64 * 1024 },
  prepare() {},
  run() {},
};

interface Said {
  readonly number: number;
  readonly refused: number;
  readonly dropped: number;
}

export interface FullDisk {
  readonly said: Said[];
  readonly problems: string[];
}

/** Two writers on a disk that is filled and freed so many times; undefined where none can be mounted. */
export async function fullDisk(t: TestContext, kind: DiskKind, times: number): Promise<FullDisk | undefined> {
  const directory = smallDisk(t, kind);
  if (directory === undefined) return undefined;
  const { log } = new Scene(join(directory, "log"));
  const start = (_: unknown, i: number) => new Fixture(t, "patient-writer", `w${i}`, log, OPERATION.options);
  const writers = Array.from({ length: WRITERS }, start);
  for (let i = 0; i < times; i++) {
    for (const writer of writers) await writer.lineThatIs("taken");
    await setTimeout(STAYS_SO);
    const free = fill(directory);
    for (const writer of writers) await writer.lineThatIs("refused");
    await setTimeout(STAYS_SO);
    free();
  }
  for (const writer of writers) writer.say("enough");
  const said = await Promise.all(writers.map(async (writer) => JSON.parse((await writer.rest()).at(-1)!) as Said));
  await Promise.all(writers.map(({ ended }) => ended));
  const acknowledged = new Map(said.map(({ number }, i) => [`w${i}`, number]));
  // Each time that it was full may have cut off a record of each.
  const problems = await afterACleanStart(dirname(log), OPERATION, acknowledged, 10 * times * WRITERS);
  return { said, problems };
}

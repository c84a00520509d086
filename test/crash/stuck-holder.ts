import { dirname } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Fixture } from "../support/child.js";
import { type Operation, Scene } from "../support/operations.js";
import { temporaryDirectory } from "../support/temporary.js";
import { afterACleanStart } from "./kill-sweep.js";

const WRITERS = 4;
const STOPS_AT = 500;

const OPERATION: Operation = {
  options: { maxBytes: "16KiB", backupCount: 10_000, useGzip: true, lockTimeout: 200 },
  limits: { maxBytes: 16 * 1024 },
  prepare() {},
  run() {},
};

interface Said {
  readonly number: number;
  readonly refused: number;
  /** Milliseconds. */
  readonly slowest: number;
  readonly dropped: number;
}

export interface StuckHolder {
  /** Of those writers that were not stopped. */
  readonly said: Said[];
  readonly problems: string[];
}

/** Several writers, of which one is stopped for so many milliseconds while it holds the lock. */
export async function stuckHolder(t: TestContext, milliseconds: number): Promise<StuckHolder> {
  const { log } = new Scene(temporaryDirectory(t));
  const start = (_: unknown, i: number) =>
    new Fixture(t, "patient-writer", `w${i}`, log, OPERATION.options, i === 0 ? STOPS_AT : -1);
  const writers = Array.from({ length: WRITERS }, start);
  const [holder] = writers as [Fixture];
  await holder.lineThatIs("stops");
  await setTimeout(milliseconds);
  holder.process.kill("SIGCONT");
  for (const writer of writers) writer.say("enough");
  const said = await Promise.all(writers.map(async (writer) => JSON.parse((await writer.rest()).at(-1)!) as Said));
  await Promise.all(writers.map(({ ended }) => ended));
  const written = new Map(said.map(({ number }, i) => [`w${i}`, number]));
  return { said: said.slice(1), problems: await afterACleanStart(dirname(log), OPERATION, written, 0) };
}

import type { TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Fixture } from "../support/child.js";
import { tornLines } from "../support/log-oracle.js";
import type { Operation } from "../support/operations.js";
import { Scene } from "../support/operations.js";
import { temporaryDirectory } from "../support/temporary.js";
import { afterACleanStart, outOfSight } from "./kill-sweep.js";

/* Writers that write as fast as they can, one of which is killed again and again. */

const WRITERS = 8;
const PAUSE = 50;

const OPERATION: Operation = {
  options: { maxBytes: "64KiB", backupCount: 100_000, useGzip: true },
  limits: { maxBytes: 64 * 1024 },
  prepare() {},
  run() {},
};

/** A writer, and how many of its records it said to be in the file. */
class Writer {
  readonly name: string;
  readonly #fixture: Fixture;
  #acknowledged = 0;
  #hasWritten = () => {};
  /** Resolves when it has written a record: on a slow machine, it would be killed before it has come to it. */
  readonly begun = new Promise<void>((resolve) => {
    this.#hasWritten = resolve;
  });
  readonly #read: Promise<void>;

  constructor(t: TestContext, name: string, log: string) {
    this.name = name;
    this.#fixture = new Fixture(t, "endless-writer", name, log, OPERATION.options);
    this.#read = this.#follow();
  }

  /** Resolves with the number of its acknowledged records. */
  async kill(): Promise<number> {
    this.#fixture.process.kill("SIGKILL");
    await this.#read;
    await this.#fixture.ended;
    return this.#acknowledged;
  }

  async #follow(): Promise<void> {
    for (let line = await this.#fixture.next(); line !== undefined; line = await this.#fixture.next()) {
      this.#acknowledged = Number(line) + 1;
      this.#hasWritten();
    }
  }
}

export interface RandomKills {
  readonly kills: number;
  readonly records: number;
  readonly torn: number;
  readonly problems: string[];
}

export async function randomKills(t: TestContext, seconds: number): Promise<RandomKills> {
  const directory = temporaryDirectory(t);
  const { log } = new Scene(directory);
  const acknowledged = new Map<string, number>();
  let started = 0;
  const start = () => new Writer(t, `w${started++}`, log);
  const end = async (writer: Writer) => acknowledged.set(writer.name, await writer.kill());
  const writers = Array.from({ length: WRITERS }, start);
  for (const until = Date.now() + seconds * 1000; Date.now() < until; ) {
    await Promise.all([setTimeout(PAUSE), writers[0]!.begun]);
    await end(writers.shift()!);
    writers.push(start());
  }
  await Promise.all(writers.map(end));
  const problems = outOfSight(directory, OPERATION, acknowledged);
  problems.push(...(await afterACleanStart(directory, OPERATION, acknowledged, started)));
  const records = [...acknowledged.values()].reduce((sum, count) => sum + count, 0);
  return { kills: started, records, torn: tornLines(log).length, problems };
}

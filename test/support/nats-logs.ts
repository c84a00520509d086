import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parseStressRecord } from "../../src/cli/stress/record.js";
import { readLog } from "../../src/index.js";
import { Fixture } from "./child.js";

/* Writers that send records to a stream, and what must be true of the log into which that is collected. */

/** A process that writes without end, and how many of its records were acknowledged. */
export class StreamWriter {
  readonly name: string;
  readonly fixture: Fixture;
  acknowledged = 0;
  readonly #read: Promise<void>;

  constructor(t: TestContext, name: string, options: object) {
    this.name = name;
    this.fixture = new Fixture(t, "stream-writer", name, options);
    this.#read = this.#readAll();
  }

  /** SIGKILL, or SIGTERM: then it sends what it has, or leaves it on the disk. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<number | NodeJS.Signals> {
    this.fixture.process.kill(signal);
    await this.#read;
    return this.fixture.ended;
  }

  async #readAll(): Promise<void> {
    for (let line = await this.fixture.next(); line !== undefined; line = await this.fixture.next())
      this.acknowledged = Number(line);
  }
}

/** What was found in a log. */
export interface Verdict {
  readonly found: number;
  /** As sentences: what is missing, twice, out of order or torn. */
  readonly problems: string[];
}

/**
 * Reads a whole log. Of each writer the records from the first one on must be there, once and in order, and no fewer than
 * were acknowledged; those behind them were on their way when it was killed.
 */
export async function verdictOn(log: string, acknowledged: ReadonlyMap<string, number>): Promise<Verdict> {
  const problems: string[] = [];
  const next = new Map<string, number>();
  let found = 0;
  for await (const { text } of readLog(log)) {
    const record = parseStressRecord(text);
    if (record === undefined) problems.push(`no record: ${text}`);
    else {
      const { writer, number } = record;
      const expected = next.get(writer) ?? 0;
      if (number !== expected) problems.push(`${writer}: record ${number} where ${expected} should be`);
      next.set(writer, number + 1);
      found++;
    }
  }
  for (const [writer, count] of acknowledged) {
    const there = next.get(writer) ?? 0;
    if (there < count) problems.push(`${writer}: ${there} of ${count} acknowledged records`);
  }
  return { found, problems };
}

/** Waits for something to be so, for as long as that takes. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(20);
}

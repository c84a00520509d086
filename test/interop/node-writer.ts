import { setTimeout } from "node:timers/promises";
import { formatStressRecord } from "../../src/cli/stress-record.js";
import { ConcurrentRotatingFileHandler, type RotatingFileHandlerOptions } from "../../src/index.js";
import { systemClock } from "../../src/platform/clock.js";
import { fixtureArguments } from "../support/child.js";

/* One writer beside those of upstream_writer.py, as slow as they are. */

export interface NodeJob {
  readonly writer: string;
  readonly file: string;
  readonly records: number;
  readonly options: RotatingFileHandlerOptions;
  readonly characters: readonly string[];
  /** Seconds since 1970. */
  readonly startAt: number;
}

const LONGEST_PAUSE = 0.4; // ms

const [{ writer, file, records, options, characters, startAt }] = fixtureArguments<[NodeJob]>();
const handler = new ConcurrentRotatingFileHandler(file, options);
await setTimeout(startAt * 1000 - systemClock.now());
for (let number = 0; number < records; number++) {
  handler.write(formatStressRecord({ writer, number }, characters));
  systemClock.sleep(Math.random() * LONGEST_PAUSE);
}
await handler.flush();
handler.close();

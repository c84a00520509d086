import { setTimeout } from "node:timers/promises";
import { formatStressRecord } from "../../src/cli/stress/record.js";
import { type HandlerOptions, makeHandler } from "../../src/handler/create-handler.js";
import { systemClock } from "../../src/platform/clock.js";
import { fixtureArguments } from "../support/child.js";

/* One writer beside those of upstream_writer.py, as slow as they are. */

export interface NodeJob {
  readonly writer: string;
  readonly file: string;
  readonly records: number;
  /** Seconds between two records, on average. */
  readonly pause: number;
  readonly options: HandlerOptions;
  readonly characters: readonly string[];
  /** Seconds since 1970. */
  readonly startAt: number;
}

const [{ writer, file, records, pause, options, characters, startAt }] = fixtureArguments<[NodeJob]>();
const handler = makeHandler(file, options);
await setTimeout(startAt * 1000 - systemClock.now());
for (let number = 0; number < records; number++) {
  handler.write(formatStressRecord({ writer, number }, characters));
  systemClock.sleep(Math.random() * 2000 * pause);
}
await handler.flush();
handler.close();

import { setImmediate, setTimeout } from "node:timers/promises";
import { parentPort } from "node:worker_threads";
import { type HandlerOptions, makeHandler } from "../../handler/create-handler.js";
import { makeNatsHandler } from "../../nats/late.js";
import { systemClock } from "../../platform/clock.js";
import { alphabet, formatStressRecord } from "./record.js";

/* One writer of the stress test: a process, a cluster worker or a thread. Its other half is writers.ts. */

export interface WriterJob {
  readonly writer: string;
  readonly file: string;
  readonly options: HandlerOptions;
  /** Options of a stream, to which the records go in place of the file. */
  readonly nats?: object | undefined;
  readonly records: number;
  /** Bounds of the pause between two records, in milliseconds. */
  readonly pause: readonly [shortest: number, longest: number];
  /** Lose and double some records, to see whether the verdict finds it. */
  readonly faulty: boolean;
}

export type WriterMessage =
  | { readonly type: "ready" }
  /** So far. */
  | { readonly type: "progress"; readonly records: number; readonly rotations: number }
  | {
      readonly type: "done";
      readonly acknowledged: number;
      readonly rotations: number;
      readonly removed: number;
      readonly slowest: number;
    };

const PROGRESS_EVERY = 100;

type Handler = ReturnType<typeof makeHandler | typeof makeNatsHandler>;

/** Loses one record in twenty and writes another one twice, as the faulty handler of upstream's stress test does. */
function writeFaultily(handler: Handler, record: string): boolean {
  const chance = Math.random();
  if (chance < 0.05) return true;
  if (chance < 0.1) handler.write(record);
  return handler.write(record);
}

const channel = parentPort ?? process;
const send = (message: WriterMessage) => (parentPort ? parentPort.postMessage(message) : process.send!(message));

channel.once("message", async (job: WriterJob) => {
  send(await run(job));
});
if (parentPort === null) process.once("disconnect", () => {}); // stays until it is let go
send({ type: "ready" });

async function run({ writer, file, options, nats, records, pause, faulty }: WriterJob): Promise<WriterMessage> {
  const handler: Handler = nats === undefined ? makeHandler(file, options) : makeNatsHandler(nats);
  const rotations = () => ("swept" in handler ? handler.stats().rotations : 0);
  const characters = alphabet(options.encoding ?? "utf-8");
  let removed = 0;
  let slowest = 0;
  let reported = systemClock.monotonic();
  handler.on("removed", () => {
    removed++;
  });
  for (let number = 0; number < records; number++) {
    const record = formatStressRecord({ writer, number }, characters);
    const start = systemClock.monotonic();
    const hasRoom = faulty ? writeFaultily(handler, record) : handler.write(record);
    const end = systemClock.monotonic();
    slowest = Math.max(slowest, end - start);
    if (end - reported > PROGRESS_EVERY) {
      reported = end;
      send({ type: "progress", records: number + 1, rotations: rotations() });
      await setImmediate();
    }
    if (!hasRoom && nats !== undefined) await acknowledge(handler);
    await rest(pause);
  }
  const left = await acknowledge(handler);
  handler.close();
  if ("swept" in handler) await handler.swept();
  return { type: "done", acknowledged: records - left, rotations: rotations(), removed, slowest };
}

/** Waits until all records are acknowledged; returns how many are not, where the servers of a stream are away for too long. */
async function acknowledge(handler: Handler): Promise<number> {
  try {
    await handler.flush();
    return 0;
  } catch (error) {
    if ("swept" in handler) throw error;
    return handler.stats().pending;
  }
}

async function rest([shortest, longest]: WriterJob["pause"]): Promise<void> {
  const pause = shortest + Math.random() * (longest - shortest);
  if (pause >= 1) await setTimeout(pause);
  else if (pause > 0) systemClock.sleep(pause);
}

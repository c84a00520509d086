import { systemEnvironment } from "../../platform/environment.js";
import { append, count, hold, visit } from "./probe.js";

/* One process of `clh doctor`. Its other half is worker-process.ts. */

export type DoctorJob =
  | { readonly what: "count"; readonly directory: string; readonly times: number }
  | { readonly what: "append"; readonly path: string; readonly writer: string; readonly lines: number }
  /** Ask for the lock as one that waits for it does. */
  | { readonly what: "visit"; readonly directory: string }
  /** Take the lock and keep it. */
  | { readonly what: "hold"; readonly directory: string };

process.once("message", (job: DoctorJob) => {
  const environment = systemEnvironment();
  switch (job.what) {
    case "count":
      count(environment, job.directory, job.times);
      break;
    case "append":
      append(environment, job.path, job.writer, [1, job.lines]);
      break;
    case "visit":
      visit(environment, job.directory);
      break;
    case "hold":
      process.send!(hold(environment, job.directory) ? "held" : "refused");
      setInterval(() => {}, 1e9); // until it is killed, or who has started it is: nothing else keeps it alive
      process.once("disconnect", () => process.exit());
      return;
  }
  setImmediate(() => process.disconnect()); // not while a message is being received
});

import { setTimeout as delay } from "node:timers/promises";
import {
  ConcurrentRotatingFileHandler,
  ConcurrentTimedRotatingFileHandler,
  type RotatingFileHandlerOptions,
  type TimedRotatingFileHandlerOptions,
} from "../../src/index.js";

/* heir log options: opens a log, merges what is left of writers that have died, compresses, and closes it; a few times. */

const [log, { delivery, ...options }] = process.argv.slice(2).map((word) => JSON.parse(word)) as [
  string,
  RotatingFileHandlerOptions & TimedRotatingFileHandlerOptions,
];
const Handler = options.when === undefined ? ConcurrentRotatingFileHandler : ConcurrentTimedRotatingFileHandler;
for (let times = 0; times < 3; times++) {
  const handler = new Handler(log, options);
  handler.on("error", ({ message }) => process.stdout.write(`${message}\n`));
  handler.open();
  await handler.swept();
  handler.close();
  await delay(300);
}
process.stdout.write("done\n");
process.exit();

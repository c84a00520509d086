import { getLogger } from "../src/logging/basic-config.js";
import { Formatter } from "../src/logging/formatting/formatter.js";
import { Handler } from "../src/logging/handlers/handler.js";
import { INFO } from "../src/logging/levels.js";
import type { LogRecord } from "../src/logging/record.js";

/* What does a log call cost: one whose level is not told of, and one that is formatted and then thrown away? */

const ROUNDS = 15;
const DISABLED = 20_000_000;
const ENABLED = 300_000;
const FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s";

class FormatOnly extends Handler {
  length = 0;

  override emit(record: LogRecord): void {
    this.length += this.format(record).length;
  }
}

const handler = new FormatOnly({ formatter: new Formatter(FORMAT) });
const logger = getLogger("app.db.pool");
getLogger().addHandler(handler);
getLogger().setLevel(INFO);

function empty(calls: number): void {
  for (let i = 0; i < calls; i++);
}

function disabled(calls: number): void {
  for (let i = 0; i < calls; i++) logger.debug("waited %d ms for %s", i, "conn");
}

function enabled(calls: number): void {
  for (let i = 0; i < calls; i++) logger.info("waited %d ms for %s", i, "conn");
}

/** Nanoseconds for one call: the median of the rounds. */
function measure(run: (calls: number) => void, calls: number): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    run(calls);
    return ((performance.now() - start) * 1e6) / calls;
  });
  return times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
}

const loop = measure(empty, DISABLED);
const off = measure(disabled, DISABLED);
const on = measure(enabled, ENABLED);
process.stdout.write(
  `a log call, medians of ${ROUNDS} rounds (an empty loop takes ${loop.toFixed(1)} ns)\n` +
    `disabled: ${off.toFixed(1)} ns\n` +
    `enabled, "${FORMAT}" into a handler that drops it: ${(on / 1000).toFixed(2)} µs, ${Math.round(1e9 / on).toLocaleString("en")} a second\n`,
);

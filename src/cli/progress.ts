import { SingleBar } from "cli-progress";
import { systemClock } from "../platform/clock.js";

/** How a long command tells how far it is: a live bar on a terminal, a line now and then elsewhere, or nothing. */
export interface Progress {
  update(done: number, note: string): void;
  stop(): void;
}

const LINE_EVERY = 2000;

/**
 * @param total what `done` grows to
 * @param unit what is counted, in the plural
 */
export function showProgress(total: number, unit: string, isQuiet: boolean): Progress {
  if (isQuiet) return { update() {}, stop() {} };
  return process.stderr.isTTY ? bar(total, unit) : lines(total, unit);
}

function bar(total: number, unit: string): Progress {
  const single = new SingleBar({
    format: `[{bar}] {percentage}%  {counted} of ${group(total)} ${unit}  {note}`,
    barCompleteChar: "=",
    barIncompleteChar: " ",
    hideCursor: true,
    clearOnComplete: true,
  });
  single.start(total, 0, { counted: "0", note: "" });
  return {
    update: (done, note) => single.update(done, { counted: group(done), note }),
    stop: () => single.stop(),
  };
}

function lines(total: number, unit: string): Progress {
  let said = systemClock.now();
  return {
    update(done, note) {
      if (systemClock.now() - said < LINE_EVERY) return;
      said = systemClock.now();
      process.stderr.write(`${group(done)} of ${group(total)} ${unit}  ${note}\n`);
    },
    stop() {},
  };
}

/** 1234567 -> "1,234,567" */
export function group(value: number): string {
  return value.toLocaleString("en");
}

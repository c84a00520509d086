import { LogFileError } from "../base/errors.js";
import { hasCode, reason } from "../base/system-errors.js";
import { refused } from "../options/validation.js";
import { lazyPackages } from "../platform/lazy-packages.js";
import type { WallTimes } from "./wall-times.js";

/**
 * The wall times of a cron expression. The package is asked for a clock without a zone: its versions differ in what becomes
 * of a time that a clock shows twice, and all writers of a log must agree.
 * @throws {LogFileError} `ERR_CLH_OPTION` for a wrong expression, for one that never comes, and without the package
 */
export function cronTimes(expression: string): WallTimes {
  const { Cron } = load(expression);
  let cron: InstanceType<typeof Cron>;
  try {
    if (expression.includes("?")) throw new RangeError('"?" is another time in each process');
    cron = new Cron(expression, { utcOffset: 0 });
  } catch (cause) {
    throw refused("when", expression, `a cron expression (${reason(cause).replace(/^CronPattern: /, "")})`, cause);
  }
  const dateOf = (wall: number) => new Date(wall * 1000);
  const wallOf = (date: Date | null | undefined) => {
    if (date == null) throw refused("when", expression, "a cron expression whose time comes: there is no such date");
    return date.getTime() / 1000;
  };
  wallOf(cron.nextRun(dateOf(0)));
  return {
    after: (wall) => wallOf(cron.nextRun(dateOf(wall))),
    before: (wall) => wallOf(cron.previousRuns(1, dateOf(wall))[0]),
  };
}

/** An optional peer: few logs are rotated so. */
function load(expression: string) {
  try {
    return lazyPackages().croner();
  } catch (cause) {
    if (!hasCode(cause, "MODULE_NOT_FOUND")) throw cause;
    const message = `Cannot rotate by \`when\` "${expression}": cron expressions need the package croner. npm install croner, or choose a period by its name.`;
    throw new LogFileError("ERR_CLH_OPTION", message, { cause, option: "when", value: expression });
  }
}

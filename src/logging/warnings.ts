import { inspect } from "node:util";
import type { Logger } from "./logger.js";
import { manager } from "./manager.js";

type Listener = (warning: Error) => void;

/** Who told of warnings before us: Node, on standard error. */
let before: Listener[] = [];
let capturing: Listener | undefined;

/**
 * From now on Node's warnings (`process.on("warning")`) go to the logger "node.warnings" and no longer to standard
 * error, unless the program itself listens to them; `false` undoes that.
 */
export function captureWarnings(capture: boolean): void {
  if (capture === (capturing !== undefined)) return;
  if (capturing !== undefined) {
    process.off("warning", capturing);
    for (const listener of before) process.on("warning", listener);
    capturing = undefined;
    return;
  }
  // The one by which Node writes them to standard error; others are the program's.
  before = (process.listeners("warning") as Listener[]).filter(({ name }) => name === "onWarning");
  for (const listener of before) process.off("warning", listener);
  const logger: Logger = manager.getLogger("node.warnings");
  capturing = (warning) => logger.warning("%s", inspect(warning));
  process.on("warning", capturing);
}

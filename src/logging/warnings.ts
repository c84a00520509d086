import { inspect } from "node:util";
import { sharedState } from "../base/shared-state.js";
import type { Logger } from "./logger.js";
import { manager } from "./manager.js";

type Listener = (warning: Error) => void;

interface Capture {
  /** Who told of warnings before us: Node, on standard error. */
  before: Listener[];
  capturing: Listener | undefined;
}

const state = sharedState<Capture>("warnings", 1, () => ({ before: [], capturing: undefined }));

/**
 * From now on Node's warnings (`process.on("warning")`) go to the logger "node.warnings" and no longer to standard
 * error, unless the program itself listens to them; `false` undoes that.
 */
export function captureWarnings(capture: boolean): void {
  if (capture === (state.capturing !== undefined)) return;
  if (state.capturing !== undefined) {
    process.off("warning", state.capturing);
    for (const listener of state.before) process.on("warning", listener);
    state.capturing = undefined;
    return;
  }
  // The one by which Node writes them to standard error; others are the program's.
  state.before = (process.listeners("warning") as Listener[]).filter(({ name }) => name === "onWarning");
  for (const listener of state.before) process.off("warning", listener);
  const logger: Logger = manager.getLogger("node.warnings");
  state.capturing = (warning) => logger.warning("%s", inspect(warning));
  process.on("warning", state.capturing);
}

import { debuglog } from "node:util";
import { writeToStandardError } from "../platform/standard-error.js";

const { enabled } = debuglog("clh");

/** The trace of the option `debug`, or of NODE_DEBUG=clh; undefined when nobody asked for it. */
export function tracer(debug: boolean): ((message: string) => void) | undefined {
  // In the form in which Node writes it when the variable is set.
  return debug || enabled ? (message) => writeToStandardError(`CLH ${process.pid}: ${message}\n`) : undefined;
}

import { debuglog } from "node:util";

const log = debuglog("clh");

/** The trace of the option `debug`, or of NODE_DEBUG=clh; undefined when nobody asked for it. */
export function tracer(debug: boolean): ((message: string) => void) | undefined {
  if (log.enabled) return (message) => log("%s", message);
  // What debuglog writes when the variable is set.
  return debug ? (message) => void process.stderr.write(`CLH ${process.pid}: ${message}\n`) : undefined;
}

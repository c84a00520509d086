import { createRequire } from "node:module";
import type { NatsHandler } from "./nats-handler.js";

/**
 * A handler for NATS, of which nothing was loaded before: for adapters, which most use for files.
 * @throws {LogFileError} `ERR_CLH_OPTION` as its constructor does
 */
export function makeNatsHandler(options: unknown): NatsHandler {
  const require = createRequire(import.meta.url);
  const entry = require("concurrent-log-handler/nats") as typeof import("../nats.js");
  return new entry.NatsHandler(options as ConstructorParameters<typeof NatsHandler>[0]);
}

import { LogFileError } from "../base/errors.js";
import type { DeliveryMode } from "../options/options.js";
import type { ResolvedOptions } from "../options/resolved-options.js";
import type { Environment } from "../platform/environment.js";
import { nameOfOurThread } from "../platform/worker-channel.js";
import type { LogWriter } from "../writer/log-writer.js";
import type { WriterRole } from "../writer/writer-role.js";
import { FarOutlet } from "./background/background.js";
import { LocalOutlet } from "./batched.js";
import type { Delivery } from "./delivery.js";
import { QueuedDelivery } from "./queued.js";
import { SyncDelivery } from "./sync.js";

/**
 * The delivery that the options of a handler ask for, or `batched` where `background` is not to be had. In a thread of
 * ours, where a preloaded module has made the handler, nothing may wait: the thread does not live to see the exit.
 */
function modeOf({ delivery }: ResolvedOptions, { isDeno = false }: Environment): DeliveryMode {
  if (nameOfOurThread !== undefined) return "sync";
  return delivery.mode === "background" && isDeno ? "batched" : delivery.mode;
}

/** What the writer of this thread is to do for the delivery that {@link createDelivery} makes. */
export function roleOf(options: ResolvedOptions, environment: Environment): WriterRole {
  const mode = modeOf(options, environment);
  return {
    isStandby: mode === "background",
    warning: environment.isDeno && mode !== options.delivery.mode ? notInDeno(options.filename) : undefined,
  };
}

/** The delivery that the options of `writer` ask for. */
export function createDelivery(writer: LogWriter, environment: Environment): Delivery {
  const { delivery } = writer.options;
  const mode = modeOf(writer.options, environment);
  if (mode === "sync" || delivery.mode === "sync") return new SyncDelivery(writer);
  return new QueuedDelivery(writer, delivery, (observer) =>
    mode === "batched" ? new LocalOutlet(writer, delivery, observer) : new FarOutlet(writer, delivery, observer),
  );
}

function notInDeno(path: string): LogFileError {
  const message =
    `${path} is written with delivery "batched", not "background": Deno tells that a thread has ended while it still ` +
    'writes, and records would be doubled when it is lost. Ask for "batched", or run the program in Node.js.';
  return new LogFileError("ERR_CLH_THREAD", message, { path });
}

import { LogFileError } from "../base/errors.js";
import type { Tell } from "../events/handler-events.js";
import type { HandlerJson } from "../options/handler-json.js";
import type { DeliveryMode } from "../options/options.js";
import type { ResolvedOptions } from "../options/resolved-options.js";
import type { Environment } from "../platform/environment.js";
import { Encoder } from "../records/encoder.js";
import type { CountAppended } from "../spill/appended-records.js";
import type { Spill } from "../spill/spill-file.js";
import { FarOutlet } from "./background/background.js";
import { LocalOutlet } from "./batched.js";
import { type Delivery, type DeliveryOptions, dropMarker } from "./delivery.js";
import { SourceDelivery } from "./far-source.js";
import { QueuedDelivery } from "./queued.js";
import { SyncDelivery } from "./sync.js";

/** What a delivery needs of its handler. */
export interface DeliveryHooks
  extends Pick<DeliveryOptions, "commit" | "onTimedOut" | "isLockedHere" | "onDrop" | "news"> {
  readonly spills: {
    create(): Spill;
    mergeOrphans(merge: (spill: Spill) => boolean, tell: Tell): void;
    failure(cause: unknown): LogFileError;
    readonly countAppended: CountAppended;
  };
  /** The handler, for the other thread of `background`. */
  readonly json: () => HandlerJson;
}

/** The delivery that the options of a handler ask for, or `batched` where `background` is not to be had. */
export function modeOf({ delivery }: ResolvedOptions, { isDeno = false }: Environment): DeliveryMode {
  return delivery.mode === "background" && isDeno ? "batched" : delivery.mode;
}

/** The delivery of {@link modeOf}; that it is another one than was asked for is told before the first record is written. */
export function deliveryOf(
  options: ResolvedOptions,
  environment: Environment,
  { commit, onTimedOut, isLockedHere, onDrop, news, spills, json }: DeliveryHooks,
): Delivery {
  const { delivery, retryBufferBytes, lockTimeout, onLockTimeout, filename } = options;
  const { clock, source } = environment;
  const { tell } = news;
  const mode = modeOf(options, environment);
  let isTold = false;
  const tellAndCommit: typeof commit = (batch, wait) => {
    if (!isTold) tell("warning", notInDeno(filename));
    isTold = true;
    return commit(batch, wait);
  };
  const common: DeliveryOptions = {
    ...{ onTimedOut, isLockedHere, onDrop, news, tell, clock, lockTimeout, onLockTimeout, path: filename },
    commit: mode === delivery.mode ? commit : tellAndCommit,
    markerOf: (count) => new Encoder(options).encode(dropMarker(count)),
    onDrain: () => tell("drain"),
    createSpill: () => spills.create(),
    onSpillFailure: (cause) => tell("error", spills.failure(cause)),
    mergeOrphans: () => spills.mergeOrphans((spill) => made.adopt(spill), tell),
    countAppended: spills.countAppended,
  };
  const made = make();
  return made;

  function make(): Delivery {
    if (source !== undefined) return new SourceDelivery(common, source);
    if (delivery.mode === "sync") return new SyncDelivery({ ...common, retryBufferBytes });
    const queued = { ...common, ...delivery };
    return new QueuedDelivery(queued, (observer) =>
      mode === "batched" ? new LocalOutlet(queued, observer) : new FarOutlet(queued, observer, json()),
    );
  }
}

function notInDeno(path: string): LogFileError {
  const message =
    `${path} is written with delivery "batched", not "background": Deno tells that a thread has ended while it still ` +
    'writes, and records would be doubled when it is lost. Ask for "batched", or run the program in Node.js.';
  return new LogFileError("ERR_CLH_THREAD", message, { path });
}

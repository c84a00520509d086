import type { LogFileError } from "../base/errors.js";

/** Why a file was rotated. */
export type RotationReason = "size" | "time" | "manual";

/** The events of a handler. They are emitted after the lock is released, in the order in which things happened. */
export interface HandlerEvents {
  /** The file was rotated by this handler. `to` is undefined when it is not kept, hidden while it is to be compressed. */
  rotated: [{ from: string; to: string | undefined; reason: RotationReason }];
  /** A rotated file was compressed by this process; `path` is the name it had then. */
  compressed: [{ path: string }];
  /** The hook `onArchived` of this handler is done with a backup; `path` is the name that it was given. */
  archived: [{ path: string }];
  /** A backup had to go, as retention demands; with a `reason`, earlier than its limits ask, for `minFreeBytes` and the like. */
  removed: [{ path: string; reason?: "space" }];
  /**
   * Something that another process could not finish was finished: a cut record ended, a spill merged, a rotation done. Of a
   * handler for NATS: after an `error`, the stream takes records again.
   */
  recovered: [{ path: string }];
  /** After `write` has returned false because too much waits (deliveries `batched` and `background`): it may go on. */
  drain: [];
  /** `count` records were dropped: they could not be written, and there was no room to keep them, or the process ends. */
  drop: [{ count: number }];
  /** Something is not as asked for, but nothing is lost. On standard error when nobody listens. */
  warning: [LogFileError];
  /** Something failed; what is done about it is in the message. On standard error when nobody listens. */
  error: [LogFileError];
}

/** All of them: each has a channel of its own in `node:diagnostics_channel`. */
export const NAMES = [
  ...(["rotated", "compressed", "archived", "removed", "recovered"] as const),
  ...(["drain", "drop", "warning", "error"] as const),
] satisfies readonly (keyof HandlerEvents)[];

/** Emits an event of a handler, at once or when nothing is held back any more. */
export type Tell = <Name extends keyof HandlerEvents>(name: Name, ...payload: HandlerEvents[Name]) => void;

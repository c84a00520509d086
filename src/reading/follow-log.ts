import { blockReader, type ReadOptions } from "./read-log.js";
import { checkFollowLogOptions } from "./reading-options.js";
import type { LogRecord } from "./records/block.js";
import { type FollowOptions, followBlocks } from "./records/follow-blocks.js";
import { type Selection, select } from "./selection.js";

/** Options of {@link followLog}. All conditions that are given hold. */
export interface FollowLogOptions extends ReadOptions, FollowOptions, Omit<Selection, "last"> {}

/**
 * The records of a log as they are written, within a twentieth of a second, across rotations and compressions, without
 * missing one or giving one twice. It begins at the end of the log, `last` records before it, or with `fromStart` at the
 * oldest backup. The log may be deleted, made again, or yet to be made. It ends when `signal` says so, or with `break`.
 *
 * What retention deletes before it was seen is a problem, see `onProblem`.
 *
 * @example
 * for await (const { text } of followLog("app.log", { grep: /ERROR/ })) notify(text);
 *
 * @throws {LogFileError} `ERR_CLH_READ`; `ERR_CLH_OPTION` for a wrong option; `ERR_CLH_NATIVE`
 */
export async function* followLog(path: string | URL, options: FollowLogOptions = {}): AsyncGenerator<LogRecord, void> {
  checkFollowLogOptions(options);
  const { last: _last, ...selection } = options;
  const isEnded = () => options.signal?.aborted === true;
  yield* select(followBlocks(blockReader(path, options), options), selection, isEnded);
}

import { LogFileError } from "../base/errors.js";
import { lockFilePath } from "../lock/lock-file.js";
import { namedBackups } from "../log-files/named-backups.js";
import { templateFault } from "../options/backup-naming.js";
import { absolutePath, refused } from "../options/validation.js";
import { type Environment, systemEnvironment } from "../platform/environment.js";
import { FilePath, FileStatus } from "../platform/file-system.js";
import { lockDirectoryLeft, namingLeft, settingsLeft } from "../writer/settings-file.js";
import { unreadable } from "./files/open-files.js";
import { checkReadLogOptions } from "./reading-options.js";
import type { LogRecord } from "./records/block.js";
import { lineFormatOf } from "./records/line-format.js";
import { type BlockReader, readBlocks } from "./records/read-blocks.js";
import { formatOf, isWantedFile, type Selection, select } from "./selection.js";

/** How a log is read. What is left out is as its writers have left it beside the log. */
export interface ReadOptions {
  /** Encoding of the log, by any name that iconv-lite or Python has for it. Default: that of its writers, else utf-8. */
  readonly encoding?: string | undefined;
  /** Text that ends a record. Default: that of its writers, else a line feed. */
  readonly terminator?: string | undefined;
  /** Text at the head of each file, which is no record; its numbers may differ. Default: that of its writers, else none. */
  readonly header?: string | undefined;
  /** Directory of the lock file. Default: that of its writers, else beside the log. */
  readonly lockFileDirectory?: string | undefined;
  /** Template of the names of its backups. Default: that of its writers, else "app.log.1" and "app.log.2024-05-17". */
  readonly backupName?: string | undefined;
  /** Where its backups are, from the directory of the log on, or absolute. Default: as its writers have it, else beside it. */
  readonly archiveDirectory?: string | undefined;
  /**
   * Told of a file that cannot be read, or not to its end, and of backups that have names which only a `namer` knows;
   * then reading goes on. Without it, that is thrown.
   */
  readonly onProblem?: ((problem: LogFileError) => void) | undefined;
}

/** Options of {@link readLog}. All conditions that are given hold. */
export interface ReadLogOptions extends ReadOptions, Selection {
  /** Ends it: the next record that is asked for is refused with the signal's reason, and all files are closed. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * All records of a log, from the oldest to the newest: of its backups, compressed or not, of the file that is written
 * now, and those that wait beside it until the lock is free. It is read as it is when this begins, and the active file
 * up to where it ends when that is reached. Writers may write and rotate meanwhile: no record is missed or given twice.
 * What retention deletes before it was reached is a problem, see `onProblem`. Memory does not grow with the log.
 *
 * @example
 * for await (const { text, file, offset } of readLog("app.log", { since: new Date("2024-05-17") })) console.log(text);
 *
 * @throws {LogFileError} `ERR_CLH_READ`; `ERR_CLH_OPTION` for a wrong option; `ERR_CLH_NATIVE`
 * @throws the reason of `signal`, when that is aborted before the last record has come
 */
export async function* readLog(path: string | URL, options: ReadLogOptions = {}): AsyncGenerator<LogRecord, void> {
  checkReadLogOptions(options);
  const { signal } = options;
  signal?.throwIfAborted();
  const reader = blockReader(path, options);
  const blocks = readBlocks({ ...reader, isWanted: (file) => isWantedFile(options, file) });
  yield* select(blocks, options, () => {
    signal?.throwIfAborted();
    return false;
  });
}

/** @throws {LogFileError} `ERR_CLH_READ` when there is no log; `ERR_CLH_OPTION` @internal */
export function blockReader(
  path: string | URL,
  options: ReadOptions & Pick<Selection, "format">,
  machine = systemEnvironment(),
): BlockReader {
  const log = absolutePath("path", path);
  refuseOthers(machine, log);
  const left = settingsLeft(machine.fs, log);
  const { backupName, archiveDirectory } = options;
  const fault = backupName === undefined ? undefined : templateFault(backupName, log);
  if (fault !== undefined) throw refused("backupName", backupName, fault);
  const known = namingLeft(log, left);
  const naming = {
    backupName: backupName ?? known.backupName,
    archiveDirectory: archiveDirectory ?? known.archiveDirectory,
  };
  return {
    environment: namedBackups(machine, log, naming),
    naming,
    log,
    lockPath: lockFilePath(log, options.lockFileDirectory ?? lockDirectoryLeft(left)),
    left,
    format: lineFormatOf(options, left, formatOf(options)),
    onProblem:
      options.onProblem ??
      ((problem) => {
        throw problem;
      }),
  };
}

/** A directory or a FIFO is no log. That there is no file of that name is all right: it may have been rotated just now. */
function refuseOthers({ fs }: Environment, log: string): void {
  const status = new FileStatus();
  let isThere: boolean;
  try {
    isThere = fs.status(new FilePath(log), status);
  } catch (cause) {
    throw unreadable(log, cause);
  }
  if (!isThere || status.isFile) return;
  throw new LogFileError("ERR_CLH_READ", `Cannot read ${log}: it is not a regular file. Give the path of a log.`, {
    path: log,
  });
}

import { LogFileError } from "../../base/errors.js";
import type { LogFile } from "../../log-files/list-files.js";
import type { BackupNaming } from "../../log-files/named-backups.js";
import type { Environment } from "../../platform/environment.js";
import { FileStatus } from "../../platform/file-system.js";
import { OpenSpills } from "../../spill/spill-reader.js";
import { type SettingsLeft, unknownNames } from "../../writer/settings-file.js";
import { OpenLog, type OpenLogFile, unreadable } from "../files/open-files.js";
import { stillPicture } from "../files/snapshot.js";
import { Block, BlockCutter } from "./block.js";
import { decompressedChunks, type OnRead, plainChunks, sizeOf } from "./chunks.js";
import type { LineFormat } from "./line-format.js";

export interface BlockReader {
  /** On which the backups of the log have default names. */
  readonly environment: Environment;
  /** What they are called on the disk. */
  readonly naming: BackupNaming;
  readonly log: string;
  readonly lockPath: string;
  /** The settings of its writers. */
  readonly left: SettingsLeft | undefined;
  readonly format: LineFormat;
  /** Told of a file that cannot be read, or not to its end; then the next one is read. */
  readonly onProblem: (problem: LogFileError) => void;
  /** Which files are wanted; all when it is left out. */
  readonly isWanted?: (file: LogFile) => boolean;
  /** Told which file comes next. */
  readonly onFile?: (file: LogFile, index: number, files: readonly LogFile[]) => void;
  /** How far that file has been read. */
  readonly onRead?: OnRead;
}

// Milliseconds: how long a record without its end may still be on its way into the file, and how often we ask.
const MOMENT = 5;
const MOST_MOMENTS = 20;

/**
 * All records of a log, oldest first, as it is when this begins and, of its active file, when that is reached; then those
 * that wait in spills. Memory does not grow with the log.
 */
export async function* readBlocks(reader: BlockReader): AsyncGenerator<Block> {
  const { environment, log, lockPath, isWanted = () => true, onFile, onProblem } = reader;
  const open = new OpenLog(environment, () => stillPicture(environment, log, lockPath));
  try {
    const { files } = open;
    if (files.length === 0) refuseNothing(environment, log);
    const unfound = unknownNames(log, reader.left, reader.naming);
    if (unfound !== undefined) onProblem(unfound);
    for (const [i, file] of files.entries()) {
      if (!isWanted(file)) {
        open.skip(1);
        continue;
      }
      onFile?.(file, i, files);
      try {
        const opened = open.next()!;
        try {
          yield* file.kind === "active" && file.extension === ""
            ? readActive(reader, opened)
            : readFile(reader, opened);
        } finally {
          environment.fs.close(opened.fd);
        }
      } catch (error) {
        onProblem(error instanceof LogFileError ? error : unreadable(file.path, error));
      }
    }
    if (files.at(-1)?.kind !== "active") yield* readSpills(reader, new OpenSpills(environment, log));
  } finally {
    open.close();
  }
}

function refuseNothing(environment: Environment, log: string): void {
  const spills = new OpenSpills(environment, log);
  spills.close();
  if (spills.count > 0) return;
  throw new LogFileError("ERR_CLH_READ", `Cannot read ${log}: there is no such log, nor a backup of one.`, {
    path: log,
  });
}

/** The blocks of one file that is not written any more. */
export async function* readFile(
  { environment: { fs }, format, onRead }: BlockReader,
  { file, fd }: OpenLogFile,
): AsyncGenerator<Block> {
  const cutter = new BlockCutter(file.path, format);
  const { extension } = file;
  const chunks =
    extension === "" ? plainChunks(fs, fd, 0, Infinity, onRead) : decompressedChunks(fs, fd, extension, onRead);
  let failure: unknown;
  try {
    for await (const chunk of chunks) {
      const block = cutter.push(chunk);
      if (block !== undefined) yield block;
    }
  } catch (error) {
    failure = error;
  }
  const torn = cutter.end();
  if (torn !== undefined) yield torn;
  if (failure !== undefined) throw failure;
}

/** The active file up to where it ends now, and then what waits in spills. */
async function* readActive(reader: BlockReader, { file, fd }: OpenLogFile): AsyncGenerator<Block> {
  const { environment, format, onRead } = reader;
  const { fs, clock } = environment;
  const cutter = new BlockCutter(file.path, format);
  let end = await findEnd(reader, fd);
  try {
    for (let at = 0; ; ) {
      for await (const chunk of plainChunks(fs, fd, at, end.size, onRead)) {
        at += chunk.length;
        const block = cutter.push(chunk);
        if (block !== undefined) yield block;
      }
      if (!cutter.hasRest) break;
      await clock.delay(MOMENT);
      const { size } = end;
      end.spills.close();
      end = await findEnd(reader, fd);
      if (end.size === size) break;
    }
    const torn = cutter.end();
    if (torn !== undefined) yield torn;
    yield* readSpills(reader, end.spills, fd);
  } finally {
    end.spills.close();
  }
}

/**
 * The size of the file, and the spills, at a moment at which nothing was being merged, so that a record is in the one or
 * in the other. When a merger has died over its work, the two are compared.
 */
async function findEnd({ environment, log }: BlockReader, fd: number): Promise<{ size: number; spills: OpenSpills }> {
  const { fs, clock } = environment;
  for (let moments = 0; ; moments++) {
    const spills = new OpenSpills(environment, log);
    const size = sizeOf(fs, fd);
    if (moments === MOST_MOMENTS || (!spills.isMerging && !spills.hasChanged(fs, log))) return { size, spills };
    spills.close();
    await clock.delay(MOMENT);
  }
}

function* readSpills({ environment: { fs }, format }: BlockReader, spills: OpenSpills, fd = -1): Generator<Block> {
  const status = new FileStatus();
  if (fd !== -1) fs.statusOfOpen(fd, status);
  try {
    for (const { path, offset, bytes } of spills.records(fd === -1 ? undefined : { fd, status })) {
      yield new Block(path, offset, bytes, true, format);
    }
  } finally {
    spills.close();
  }
}

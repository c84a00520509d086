import { dirname } from "node:path";
import { LogFileError } from "../../base/errors.js";
import type { LogFile } from "../../log-files/list-files.js";
import { FilePath, FileStatus, type FileSystem } from "../../platform/file-system.js";
import { unknownNames } from "../../writer/settings-file.js";
import { filesAfter } from "../files/files-after.js";
import { OpenLog, type OpenLogFile, unreadable } from "../files/open-files.js";
import { stillPicture } from "../files/snapshot.js";
import { Block, BlockCutter } from "./block.js";
import { plainChunks, sizeOf } from "./chunks.js";
import { lastRecordsStart } from "./last-records.js";
import { type BlockReader, readFile } from "./read-blocks.js";

/** Where {@link followLog} begins and ends. */
export interface FollowOptions {
  /** Begin with the oldest backup. */
  readonly fromStart?: boolean;
  /** Begin with so many of the last records of the active file. */
  readonly last?: number;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

// Milliseconds between looks: two calls of a microsecond each.
const LOOK_EVERY = 20;
const NOTHING = Buffer.alloc(0);

/** The file that was read last: another one follows it when the log is another file. */
interface Current {
  readonly opened: OpenLogFile;
  readonly cutter: BlockCutter | undefined;
  at: number;
  /** Files before it. */
  readonly older: readonly LogFile[];
}

/**
 * All records from now on, or from the start, across rotations, compression, deletion and recreation. Never ends. When no
 * more are there, a pause comes.
 * @internal
 */
export async function* followBlocks(reader: BlockReader, options: FollowOptions): AsyncGenerator<Block, void> {
  const follower = new Follower(reader, options);
  try {
    yield* follower.run();
  } finally {
    follower.close();
  }
}

class Follower {
  readonly #reader: BlockReader;
  readonly #options: FollowOptions;
  readonly #fs: FileSystem;
  readonly #log: FilePath;
  readonly #open: () => OpenLog;
  readonly #there = new FileStatus();
  readonly #opened = new FileStatus();
  #current: Current | undefined;
  #isFirst = true;
  #hasFailed = false;
  #lastTold = "";

  constructor(reader: BlockReader, options: FollowOptions) {
    this.#reader = reader;
    this.#options = options;
    this.#fs = reader.environment.fs;
    this.#log = new FilePath(reader.log);
    const look = () => stillPicture(reader.environment, reader.log, reader.lockPath);
    this.#open = () => new OpenLog(reader.environment, look);
  }

  async *run(): AsyncGenerator<Block, void> {
    const unfound = this.#options.fromStart ? unknownNames(this.#log.text, this.#reader.left) : undefined;
    if (unfound !== undefined) this.#tell(unfound);
    if (this.#options.fromStart && this.#fs.exists(dirname(this.#log.text))) yield* this.#goOn();
    while (!this.#isStopped) {
      // Asked before the file is read once more: who has renamed it wrote its last record before.
      const isThere = this.#fs.status(this.#log, this.#there);
      yield* this.#readOn();
      if (this.#isStopped) return;
      this.#isFirst &&= isThere; // what appears later is read from its start
      if (isThere && !this.#isCurrent()) yield* this.#goOn();
      if (isThere && !this.#isCurrent() && !this.#hasFailed) continue;
      yield new Block(this.#log.text, 0, NOTHING, true, this.#reader.format);
      await this.#reader.environment.clock.delay(LOOK_EVERY);
    }
  }

  close(): void {
    if (this.#current !== undefined) this.#fs.close(this.#current.opened.fd);
    this.#current = undefined;
  }

  get #isStopped(): boolean {
    return this.#options.signal?.aborted === true;
  }

  #isCurrent(): boolean {
    if (this.#current === undefined) return false;
    this.#fs.statusOfOpen(this.#current.opened.fd, this.#opened);
    return this.#opened.isSameFile(this.#there);
  }

  /** What has come into the current file. */
  async *#readOn(): AsyncGenerator<Block> {
    const current = this.#current;
    if (current?.cutter === undefined) return;
    const { opened, cutter } = current;
    const size = sizeOf(this.#fs, opened.fd);
    if (size < current.at) {
      this.#tell(this.#uncertain(opened.file.path, "was truncated; it is read from its start again"));
      const torn = cutter.end();
      if (torn !== undefined) yield torn;
      this.#current = { ...current, cutter: this.#cutter(opened.file, 0), at: 0 };
      return;
    }
    for await (const chunk of plainChunks(this.#fs, opened.fd, current.at, size)) {
      current.at += chunk.length;
      const block = cutter.push(chunk);
      if (block !== undefined) yield block;
      if (this.#isStopped) return;
    }
  }

  /** The log is another file by now: that one, and those between. */
  async *#goOn(): AsyncGenerator<Block> {
    const open = this.#open();
    try {
      const { length } = open.files;
      const current = this.#current;
      let from = this.#options.fromStart ? 0 : length - 1;
      if (current !== undefined) {
        const { next, isCertain } = await filesAfter(this.#fs, current.opened, current.older, open);
        from = length - next.length;
        if (!isCertain) {
          const { path } = current.opened.file;
          this.#tell(this.#uncertain(path, "was deleted before what follows it was seen: records may be missing"));
        }
        yield* this.#readOn(); // somebody without the lock may have written to it
        const torn = current.cutter?.end();
        if (torn !== undefined) yield torn;
      }
      yield* this.#readFrom(open, from);
    } finally {
      open.close();
    }
  }

  /** Reads the files from `from` on; the last one is the current one then. */
  async *#readFrom(open: OpenLog, from: number): AsyncGenerator<Block> {
    const { files } = open;
    open.skip(from);
    for (let i = from; i < files.length && !this.#isStopped; i++) {
      try {
        const opened = open.next()!;
        this.close();
        const isLast = i === files.length - 1;
        const isFollowed = isLast && opened.file.extension === "";
        const at = isFollowed ? this.#startOf(opened) : 0;
        const cutter = isFollowed ? this.#cutter(opened.file, at) : undefined;
        this.#current = { opened, cutter, at, older: files.slice(0, i) };
        const isWanted = !isLast || !this.#isFirst || this.#options.fromStart === true;
        if (!isFollowed && isWanted) yield* readFile(this.#reader, opened);
        this.#hasFailed = false;
      } catch (error) {
        this.#hasFailed = true;
        this.#tell(error instanceof LogFileError ? error : unreadable(files[i]!.path, error));
      }
    }
    this.#isFirst = false;
  }

  /** Where to begin in a file that is followed: at the start of all but the first. */
  #startOf({ fd }: OpenLogFile): number {
    if (!this.#isFirst || this.#options.fromStart) return 0;
    return lastRecordsStart(this.#fs, fd, this.#reader.format, this.#options.last ?? 0);
  }

  #cutter({ path }: LogFile, at: number): BlockCutter {
    return new BlockCutter(path, this.#reader.format, at);
  }

  /** Once, though it is tried again and again. */
  #tell(problem: LogFileError): void {
    if (problem.message !== this.#lastTold) this.#reader.onProblem(problem);
    this.#lastTold = problem.message;
  }

  #uncertain(path: string, message: string): LogFileError {
    return new LogFileError("ERR_CLH_READ", `${path} ${message}.`, { path });
  }
}

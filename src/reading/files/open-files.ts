import { basename } from "node:path";
import { LogFileError } from "../../base/errors.js";
import { advice, hasCode, reason } from "../../base/system-errors.js";
import type { LogFile } from "../../log-files/list-files.js";
import type { Environment } from "../../platform/environment.js";
import { FileStatus, type FileSystem, O_NONBLOCK, O_RDONLY } from "../../platform/file-system.js";
import { whereabouts } from "./match-files.js";
import { isSameContent } from "./snapshot.js";

// Descriptors that are open at a time: of the files that are read next, which retention deletes first, and of those that
// are to be replaced by their compressed forms.
const AHEAD = 64;
const WAITING_AHEAD = 256;

// How often a file that is meant may be another one when it is opened.
const RENAMES = 1000;

export interface OpenLogFile {
  readonly file: LogFile;
  /** To be closed by whoever has asked for it. */
  readonly fd: number;
}

interface Entry {
  /** The file that is or will be opened. */
  file: LogFile;
  /** What it was at the last look, maybe compressed by then. */
  seen: LogFile;
  fd: number;
  failure: LogFileError | undefined;
}

/**
 * The files of a log as they were at one moment, to be read one after another while writers go on rotating: each is the
 * file that was meant, wherever it has gone since.
 */
export class OpenLog {
  readonly #environment: Environment;
  readonly #look: () => LogFile[];
  readonly #entries: Entry[] = [];
  #next = 0;

  /** @param look finds all files of the log */
  constructor(environment: Environment, look: () => LogFile[]) {
    this.#environment = environment;
    this.#look = look;
    for (let renames = 0; renames < RENAMES && !this.#begin(); renames++) this.close();
    this.#openAhead();
  }

  /** Oldest first. */
  get files(): LogFile[] {
    return this.#entries.map(({ file }) => file);
  }

  /** The file at `i`, which was neither given nor left out yet. It stays open here. Undefined when it is gone, or cannot be read. */
  peek(i: number): OpenLogFile | undefined {
    const entry = this.#entries[i]!;
    this.#open(entry);
    return entry.fd === -1 ? undefined : { file: entry.file, fd: entry.fd };
  }

  /** Leaves out the next `count` files. */
  skip(count: number): void {
    for (const entry of this.#entries.slice(this.#next, this.#next + count)) this.#closeEntry(entry);
    this.#next += count;
    this.#openAhead();
  }

  /**
   * The next file, undefined after the last.
   * @throws {LogFileError} `ERR_CLH_READ`; the file after it can be asked for all the same
   */
  next(): OpenLogFile | undefined {
    this.#openAhead();
    const entry = this.#entries[this.#next];
    if (entry === undefined) return undefined;
    this.#open(entry);
    this.#next++;
    const { file, fd, failure } = entry;
    entry.fd = -1;
    if (failure !== undefined) throw failure;
    return { file, fd };
  }

  close(): void {
    for (const entry of this.#entries) this.#closeEntry(entry);
  }

  /** Opens at once what may be replaced; false when that has happened already, so that another look is needed. */
  #begin(): boolean {
    this.#entries.splice(
      0,
      Infinity,
      ...this.#look().map((file) => ({ file, seen: file, fd: -1, failure: undefined })),
    );
    for (const entry of this.#replaceable()) {
      try {
        const fd = openFile(this.#environment.fs, entry.file);
        if (fd === undefined) return false;
        entry.fd = fd;
      } catch (error) {
        if (!hasCode(error, "EMFILE", "ENFILE")) entry.failure = unreadable(entry.file.path, error);
      }
    }
    return true;
  }

  #replaceable(): Entry[] {
    const left = this.#entries.slice(this.#next);
    const waiting = left.filter(({ file }) => file.kind === "waiting").slice(0, WAITING_AHEAD);
    return [...left.filter(({ file }) => file.kind === "active"), ...waiting];
  }

  #openAhead(): void {
    try {
      for (const entry of [...this.#replaceable(), ...this.#entries.slice(this.#next, this.#next + AHEAD)]) {
        this.#open(entry);
      }
    } catch (error) {
      if (!hasCode((error as LogFileError).cause, "EMFILE", "ENFILE")) throw error; // later, when some are closed
    }
  }

  /** Unless it is open, or could not be opened. */
  #open(entry: Entry): void {
    if (entry.fd !== -1 || entry.failure !== undefined) return;
    try {
      for (let renames = 0; renames < RENAMES; renames++) {
        const fd = openFile(this.#environment.fs, entry.file);
        if (fd !== undefined) {
          entry.fd = fd;
          return;
        }
        this.#findAgain();
        if (entry.failure !== undefined) return;
      }
      throw new Error("it is renamed again and again");
    } catch (cause) {
      if (hasCode(cause, "EMFILE", "ENFILE")) throw unreadable(entry.file.path, cause);
      entry.failure = cause instanceof LogFileError ? cause : unreadable(entry.file.path, cause);
    }
  }

  /** Where are the files now that are not open yet? */
  #findAgain(): void {
    const seen = this.#entries.map((entry) => entry.seen);
    const found = whereabouts(seen, this.#look());
    for (const [i, entry] of this.#entries.entries()) {
      const there = found[i];
      entry.seen = there ?? entry.seen;
      if (entry.fd !== -1 || i < this.#next) continue;
      if (there === undefined) entry.failure ??= gone(entry.file);
      else entry.file = there;
    }
  }

  #closeEntry(entry: Entry): void {
    if (entry.fd !== -1) this.#environment.fs.close(entry.fd);
    entry.fd = -1;
  }
}

/** Undefined when there is another file of that name by now, or none. */
function openFile(fs: FileSystem, file: LogFile): number | undefined {
  let fd: number;
  try {
    fd = fs.open(file.path, O_RDONLY | O_NONBLOCK); // a FIFO in its place would make us wait for a writer
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
  try {
    const status = new FileStatus();
    fs.statusOfOpen(fd, status);
    if (!status.isFile) throw new Error("it is not a regular file");
    if (isSameContent(file, { ...file, status })) return fd;
  } catch (error) {
    fs.close(fd);
    throw error;
  }
  fs.close(fd);
  return undefined;
}

export function unreadable(path: string, cause: unknown): LogFileError {
  return new LogFileError("ERR_CLH_READ", `Cannot read ${path}: ${reason(cause)}. ${advice(cause)}`.trim(), {
    cause,
    path,
  });
}

function gone({ path }: LogFile): LogFileError {
  const message = `Cannot read ${path}: it was deleted before it was its turn (it was ${basename(path)} when reading began).`;
  return new LogFileError("ERR_CLH_READ", message, { path });
}

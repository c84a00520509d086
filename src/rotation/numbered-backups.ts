import { dirname } from "node:path";
import { hasCode } from "../errors.js";
import { FilePath, FileStatus, type FileSystem } from "../platform/fs.js";
import type { Extension } from "./naming.js";

/** What an insertion did: where the files are now, oldest first, and which backups had to go for them. */
export interface Insertion {
  readonly placed: string[];
  readonly removed: string[];
}

/**
 * The backups of one log, numbered from 1, the newest. A kind of file (plain, `.gz`, …) is a sequence of its own and
 * leaves the others alone. Everything here is called with the lock held, and every step is one rename or one unlink.
 */
export class NumberedBackups {
  readonly #fs: FileSystem;
  readonly #count: number;
  readonly #name: (n: number) => string;

  /**
   * @param count how many backups are kept
   * @param name path of the nth backup, without the extension of a compressed one
   */
  constructor(fs: FileSystem, count: number, name: (n: number) => string) {
    this.#fs = fs;
    this.#count = count;
    this.#name = name;
  }

  path(n: number, extension: Extension): string {
    return this.#name(n) + extension;
  }

  /** Fingerprint of the newest backup; "0" when there is none. */
  newest(extension: Extension): string {
    const status = new FileStatus();
    return this.#fs.statusWithTime(new FilePath(this.path(1, extension)), status) ? status.fingerprint : "0";
  }

  /** The number of the backup with this fingerprint, undefined when it is not there any more. */
  find(fingerprint: string, extension: Extension): number | undefined {
    const status = new FileStatus();
    for (let n = 1; n <= this.#count; n++) {
      const there = this.#fs.statusWithTime(new FilePath(this.path(n, extension)), status);
      if (there && status.fingerprint === fingerprint) return n;
    }
    return undefined;
  }

  /** The first number from `from` on that no backup has; one past the last allowed when all are taken. */
  firstFree(extension: Extension, from = 1): number {
    let n = from;
    while (n <= this.#count && this.#fs.exists(this.path(n, extension))) n++;
    return n;
  }

  /**
   * Renames `files`, oldest first, to the numbers from `at` on. Backups that stand there move up, no further than the
   * first gap that has room; what would pass the last number is removed, from `files` too.
   * @param move used in place of a rename for the files themselves
   */
  insert(
    files: readonly string[],
    extension: Extension,
    at = 1,
    move: (from: string, to: string) => void = (from, to) => this.#rename(from, to),
  ): Insertion {
    const placed: string[] = [];
    const removed: string[] = [];
    const remove = (path: string) => {
      this.#fs.unlink(path);
      removed.push(path);
    };
    const inTheWay = this.#takenFrom(at, files.length, extension);
    for (let i = inTheWay.length - 1; i >= 0; i--) {
      const from = this.path(inTheWay[i]!, extension);
      const n = at + files.length + i;
      if (n > this.#count) remove(from);
      else if (n !== inTheWay[i]) this.#rename(from, this.path(n, extension));
    }
    for (const [i, file] of files.entries()) {
      const n = at + files.length - 1 - i;
      if (n > this.#count) remove(file);
      else {
        const to = this.path(n, extension);
        move(file, to);
        placed.push(to);
      }
    }
    return { placed, removed };
  }

  /** Numbers taken from `at` up to where `room` free ones have been passed. */
  #takenFrom(at: number, room: number, extension: Extension): number[] {
    const taken: number[] = [];
    for (let n = at, free = 0; n <= this.#count && free < room; n++) {
      if (this.#fs.exists(this.path(n, extension))) taken.push(n);
      else free++;
    }
    return taken;
  }

  /** Never over another file: that could only be one that a second rotation has just put there. */
  #rename(from: string, to: string): void {
    try {
      this.#fs.renameNew(from, to);
    } catch (error) {
      if (!hasCode(error, "ENOENT") || !this.#fs.exists(from)) throw error;
      this.#fs.mkdir(dirname(to)); // a namer may point elsewhere
      this.#fs.renameNew(from, to);
    }
  }
}

import { basename } from "node:path";
import { isUnfinished, parseUnfinished } from "../../log-files/hidden-names.js";
import { pathsOf } from "../../log-files/list-files.js";
import { listPending } from "../../log-files/pending-files.js";
import { FilePath, FileStatus, type FileSystem } from "../../platform/file-system.js";
import { sizeText } from "./layout.js";

/** How far the compression of what waits is, as the directory shows it: whoever does it. */
export class SweepProgress {
  readonly #fs: FileSystem;
  readonly #log: string;
  readonly #sizes: ReadonlyMap<number, number>;
  /** Bytes that wait. */
  readonly total: number;

  constructor(fs: FileSystem, log: string) {
    this.#fs = fs;
    this.#log = log;
    const waiting = listPending(fs, log).filter(({ extension }) => extension === "");
    this.#sizes = new Map(waiting.map((file) => [file.sequence, sizeOf(fs, file.path)]));
    this.total = sum(this.#sizes.values());
  }

  /** Bytes that are compressed, and what is being written. */
  look(): { done: number; note: string } {
    const waiting = new Set(listPending(this.#fs, this.#log).map(({ sequence }) => sequence));
    const current = pathsOf(this.#fs, this.#log, isUnfinished).sort().at(-1);
    const isDone = (sequence: number) =>
      !waiting.has(sequence) || (current !== undefined && sequence < parseUnfinished(this.#log, basename(current))!);
    const done = sum([...this.#sizes].flatMap(([sequence, size]) => (isDone(sequence) ? size : [])));
    if (current === undefined) return { done, note: "" };
    return { done, note: `${current}: ${sizeText(sizeOf(this.#fs, current))}` };
  }
}

function sizeOf(fs: FileSystem, path: string): number {
  const status = new FileStatus();
  return fs.status(new FilePath(path), status) ? status.size : 0;
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((a, b) => a + b, 0);
}

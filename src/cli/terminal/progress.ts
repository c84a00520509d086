import { SingleBar } from "cli-progress";
import type { LogFile } from "../../log-files/list-files.js";
import { systemClock } from "../../platform/clock.js";
import type { BlockReader } from "../../reading/records/read-blocks.js";
import { printable } from "./printable.js";

/** How a long command tells how far it is: a live bar on a terminal, a line now and then elsewhere, or nothing. */
export interface Progress {
  update(done: number, note: string): void;
  stop(): void;
}

const LINE_EVERY = 2000;

/**
 * @param total what `done` grows to
 * @param unit what is counted, in the plural
 */
export function showProgress(total: number, unit: string, isQuiet: boolean): Progress {
  if (isQuiet) return { update() {}, stop() {} };
  return process.stderr.isTTY ? bar(total, unit) : lines(total, unit);
}

/** How far the files of a log are read, by their sizes on disk; to be given to a reader. */
export function readingProgress(isQuiet: boolean): Required<Pick<BlockReader, "onFile" | "onRead">> & { stop(): void } {
  const bytesOf = (files: readonly LogFile[]) => files.reduce((sum, { status }) => sum + status.size, 0);
  let progress: Progress | undefined;
  let before = 0;
  let until = 0;
  let path = "";
  const update = (read: number) => progress?.update(Math.min(before + read, until), path); // the active file may grow
  return {
    onFile(file, index, files) {
      progress ??= showProgress(bytesOf(files), "bytes", isQuiet);
      before = bytesOf(files.slice(0, index));
      until = before + file.status.size;
      path = file.path;
      update(0);
    },
    onRead: update,
    stop: () => progress?.stop(),
  };
}

function bar(total: number, unit: string): Progress {
  const single = new SingleBar({
    format: `[{bar}] {percentage}%  {counted} of ${group(total)} ${unit}  {note}`,
    barCompleteChar: "=",
    barIncompleteChar: " ",
    hideCursor: true,
    clearOnComplete: true,
  });
  single.start(total, 0, { counted: "0", note: "" });
  return {
    update: (done, note) => single.update(done, { counted: group(done), note: printable(note) }),
    stop: () => single.stop(),
  };
}

function lines(total: number, unit: string): Progress {
  let said = systemClock.now();
  return {
    update(done, note) {
      if (systemClock.now() - said < LINE_EVERY) return;
      said = systemClock.now();
      process.stderr.write(`${group(done)} of ${group(total)} ${unit}  ${printable(note)}\n`);
    },
    stop() {},
  };
}

/** 1234567 -> "1,234,567" */
export function group(value: number): string {
  return value.toLocaleString("en");
}

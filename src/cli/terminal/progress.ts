import { SingleBar } from "cli-progress";
import type { LogFile } from "../../log-files/list-files.js";
import { systemClock } from "../../platform/clock.js";
import type { BlockReader } from "../../reading/records/read-blocks.js";
import { columnsOf, endOf, group, sizeText } from "./layout.js";
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
  const columns = columnsOf(process.stderr);
  const width = columns < 60 ? 0 : columns < 100 ? 20 : 40;
  const single = new SingleBar({
    format: `${width === 0 ? "" : "[{bar}] "}{percentage}%  {told}`,
    barsize: width,
    barCompleteChar: "=",
    barIncompleteChar: " ",
    hideCursor: true,
    clearOnComplete: true,
  });
  const room = columns - (width === 0 ? 0 : width + 3) - "100%  ".length - 1;
  const told = (done: number, note: string) => {
    const text = amount(done, total, unit);
    return `${text}  ${endOf(printable(note), room - text.length - 2)}`.trimEnd();
  };
  single.start(total, 0, { told: told(0, "") });
  return { update: (done, note) => single.update(done, { told: told(done, note) }), stop: () => single.stop() };
}

function amount(done: number, total: number, unit: string): string {
  if (unit === "bytes") return `${sizeText(done)} of ${sizeText(total)}`;
  return `${group(done)} of ${group(total)} ${unit}`;
}

function lines(total: number, unit: string): Progress {
  let said = systemClock.now();
  return {
    update(done, note) {
      if (systemClock.now() - said < LINE_EVERY) return;
      said = systemClock.now();
      process.stderr.write(`${amount(done, total, unit)}  ${printable(note)}\n`);
    },
    stop() {},
  };
}

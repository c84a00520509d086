import { dirname, join } from "node:path";
import type { FileSystem } from "../platform/file-system.js";
import { byPeriod, type DatedBackup, parseDated, parseNumbered } from "./backup-names.js";
import type { Extension } from "./compression-formats.js";
import { parseDatedPlace, pendingPath } from "./hidden-names.js";
import { listLeftovers } from "./leftovers.js";
import { listPending } from "./pending-files.js";

export interface LogPart {
  readonly path: string;
  /** Says how it is compressed. */
  readonly extension: Extension;
}

type Dated = LogPart & DatedBackup;

/** All files that hold records of a log, oldest first, the active one last. Backups named by a namer are not found. */
export function listLog(fs: FileSystem, log: string): LogPart[] {
  const directory = dirname(log);
  const names = fs.readdir(directory);
  const numbered = names.flatMap((name) => {
    const parsed = parseNumbered(log, name);
    return parsed === undefined ? [] : [{ ...parsed, path: join(directory, name) }];
  });
  numbered.sort((a, b) => b.n - a.n);
  const dated = names.flatMap((name): Dated[] => {
    const parsed = parseDated(log, name);
    return parsed === undefined ? [] : [{ ...parsed, path: join(directory, name) }];
  });
  const waiting: LogPart[] = [];
  for (const pending of listPending(fs, log).filter(({ state }) => state === "pending")) {
    const part: LogPart = { path: pendingPath(log, pending), extension: "" };
    const name = parseDatedPlace(pending.place);
    if (name === undefined) waiting.push(part);
    else dated.push({ ...part, ...name });
  }
  dated.sort(byPeriod);
  return [
    ...numbered,
    ...dated,
    ...listLeftovers(fs, log),
    ...waiting,
    ...(fs.exists(log) ? [{ path: log, extension: "" } as const] : []),
  ];
}

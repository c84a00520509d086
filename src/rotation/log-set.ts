import { dirname, join } from "node:path";
import type { FileSystem } from "../platform/fs.js";
import { type Extension, parseNumbered, pendingPath } from "./naming.js";
import { listPending } from "./rotate.js";

export interface LogPart {
  readonly path: string;
  /** Says how it is compressed. */
  readonly extension: Extension;
}

/** All files that hold records of a log, oldest first, the active one last. Backups named by a namer are not found. */
export function listLog(fs: FileSystem, log: string): LogPart[] {
  const directory = dirname(log);
  const numbered = fs.readdir(directory).flatMap((name) => {
    const parsed = parseNumbered(log, name);
    return parsed === undefined ? [] : [{ ...parsed, path: join(directory, name) }];
  });
  numbered.sort((a, b) => b.n - a.n);
  const waiting = listPending(fs, log).filter(({ state }) => state === "pending");
  return [
    ...numbered,
    ...waiting.map((pending): LogPart => ({ path: pendingPath(log, pending), extension: "" })),
    ...(fs.exists(log) ? [{ path: log, extension: "" } as const] : []),
  ];
}

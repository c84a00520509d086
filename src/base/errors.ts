import * as os from "node:os";
import { getSystemErrorMap, types } from "node:util";
import { shareClass } from "./shared-state.js";

/** Every code of {@link LogFileError}, with what it means. docs/reference/errors.md says what to do about each. */
export type LogFileErrorCode =
  /** An option has the wrong type or value, or is unknown: thrown at construction. A warning: records will be deleted. */
  | "ERR_CLH_OPTION"
  /** The native part of the file lock cannot be loaded on this system. Thrown at construction. */
  | "ERR_CLH_NATIVE"
  /** The lock file cannot be opened or locked. */
  | "ERR_CLH_LOCK"
  /** Another process held the lock for longer than `lockTimeout`. */
  | "ERR_CLH_LOCK_TIMEOUT"
  /** The log file cannot be opened. */
  | "ERR_CLH_OPEN"
  /** A record cannot be appended. */
  | "ERR_CLH_WRITE"
  /** A record has characters that `encoding` lacks, under `unicodeErrorPolicy: "strict"`. */
  | "ERR_CLH_ENCODE"
  /** The log file cannot be rotated; writing goes on in the same file. */
  | "ERR_CLH_ROTATE"
  /** A rotated file cannot be compressed; it stays, and is tried again. */
  | "ERR_CLH_COMPRESS"
  /** A backup that has to go cannot be deleted; it stays, and is tried again. */
  | "ERR_CLH_PRUNE"
  /** `chmod` or `owner` cannot be applied to a file, or `mode: "w"` cannot delete it. */
  | "ERR_CLH_PERMISSION"
  /** A spill, in which records wait for the lock, cannot be written or merged. */
  | "ERR_CLH_SPILL"
  /** Another process writes the log with other settings, or another user has left some. */
  | "ERR_CLH_SETTINGS"
  /** The thread of delivery `background` was lost, or is not to be had in Deno; the one that logs writes the records. */
  | "ERR_CLH_THREAD"
  /** A log, or a file of it, cannot be read. */
  | "ERR_CLH_READ"
  /** `flush()` ended with records still in memory; or the process ended with them, and they are lost. */
  | "ERR_CLH_FLUSH"
  /** A format that cannot be read, or values that do not fit it. */
  | "ERR_CLH_FORMAT"
  /** A logging configuration that cannot be read, or names something that there is not. */
  | "ERR_CLH_CONFIG";

interface Details {
  cause?: unknown;
  path?: string;
  option?: string;
  value?: unknown;
}

/** The one error class of this package: what was tried, on which path, why it failed and what to do. */
export class LogFileError extends Error {
  static {
    shareClass(LogFileError, "LogFileError");
  }

  override readonly name = "LogFileError";
  /** Stable; see {@link LogFileErrorCode}. */
  readonly code: LogFileErrorCode;
  /** The file concerned. */
  declare readonly path?: string;
  /** The refused option, for `ERR_CLH_OPTION`. */
  declare readonly option?: string;
  /** The refused value, for `ERR_CLH_OPTION`. */
  declare readonly value?: unknown;

  /** @internal */
  constructor(code: LogFileErrorCode, message: string, details: Details = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.code = code;
    if (details.path !== undefined) this.path = details.path;
    if (details.option !== undefined) this.option = details.option;
    if ("value" in details) this.value = details.value;
  }
}

// What libuv, and so Node, has no names for, though the file systems of other hosts answer it.
const TEXTS: Readonly<Record<string, string>> = {
  EDQUOT: "disk quota exceeded",
  ENOLCK: "no locks available",
  ESTALE: "stale file handle",
};
const NAMELESS = /^Unknown system error -\d+(?:: Unknown system error -\d+)?/;

/** The error for `errno` of a system call that Node did not make. */
export function systemError(errno: number, syscall: string): NodeJS.ErrnoException {
  const [code, text] = getSystemErrorMap().get(-errno) ?? nameOf(errno);
  return Object.assign(new Error(`${code}: ${text}, ${syscall}`), { code, errno: -errno, syscall });
}

function nameOf(errno: number): [code: string, text: string] {
  const code = Object.entries(os.constants.errno).find(([, number]) => number === errno)?.[0] ?? "UNKNOWN";
  return [code, TEXTS[code] ?? `errno ${errno}`];
}

/** True for errors of every realm: where tests run in one of their own (Jest, Vitest), those of Node come from another. */
export function isError(value: unknown, name?: string): value is Error {
  return (value instanceof Error || types.isNativeError(value)) && (name === undefined || value.name === name);
}

/** Of a failed system call, by its name also where Node has none; of anything else, its code. */
function codeOf(error: unknown): string | undefined {
  if (!isError(error) || !("code" in error)) return undefined;
  const { code, errno } = error as NodeJS.ErrnoException;
  return errno !== undefined && NAMELESS.test(code!) ? nameOf(-errno)[0] : code;
}

/** "EACCES: permission denied" of a failed system call, or the message of anything else. */
export function reason(cause: unknown): string {
  if (!isError(cause)) return String(cause);
  const { errno } = cause as NodeJS.ErrnoException;
  const message =
    errno === undefined ? cause.message : cause.message.replace(NAMELESS, () => nameOf(-errno).join(": "));
  // Node writes "EACCES: permission denied, open '/path'"; the path is already in our sentence, but not where it was to go.
  return message
    .replace(/, \w+( '[^']*')*(?: -> '([^']*)')?$/, (_, _from, to) => (to ? ` (to ${to})` : ""))
    .replace(/\.$/, ""); // some are sentences, which end in ours
}

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: "Give this user permission for it. ",
  EPERM: "Give this user permission for it. ",
  EROFS: "It is on a read-only file system. ",
  ENOSPC: "Free some space on its disk. ",
  EDQUOT: "Free some space: the disk quota is used up. ",
  EMFILE: "Raise the limit of open files (ulimit -n). ",
  ENFILE: "Raise the system's limit of open files. ",
  ELOOP: "A symbolic link is not followed there: remove it. ",
  ENOTDIR: "A part of the path is a file, not a directory. ",
  EISDIR: "There is a directory of that name. ",
  ENOLCK:
    "Its file system gives no locks: on NFS, run the lock service (rpc.statd) on both hosts, or mount it with vers=4. ",
};

/** The flags of Node's permission model, by what it calls that which was denied. */
const FLAGS: Readonly<Record<string, string>> = {
  FileSystemRead: "--allow-fs-read",
  FileSystemWrite: "--allow-fs-write",
  WorkerThreads: "--allow-worker",
};

/** What the user can do about a failed call of the system or of Node: a sentence and a space, or nothing. */
export function advice(cause: unknown): string {
  const { permission } = Object(cause) as { permission?: unknown };
  if (hasCode(cause, "ERR_ACCESS_DENIED") && String(permission) in FLAGS)
    return `Node's permission model denies it: start Node with ${FLAGS[String(permission)]}. `;
  return ADVICE[codeOf(cause) ?? ""] ?? "";
}

/** True when `error` is a failed system call with one of these codes. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes(codeOf(error) ?? "");
}

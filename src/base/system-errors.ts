import * as os from "node:os";
import { getSystemErrorMap, types } from "node:util";

// Errors that file systems of other hosts answer, and for which libuv, and so Node, has no names.
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

/** The code of an error; a failed system call has its name also where Node has none. */
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

/** Advice on a failed call of the system or of Node: a sentence and a space, or nothing. */
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

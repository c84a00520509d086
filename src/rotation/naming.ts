import { basename, dirname, join } from "node:path";

/*
 * Names of rotated files, and of the hidden ones on the way there. Each name is written by one function here and read
 * back by its inverse; a file whose name does not read back completely is not ours and is never touched.
 */

/** The name of the nth rotated file of a log, 1 being the newest: "app.log" -> "app.log.1". */
export type Namer = (defaultName: string) => string;

export function numberedName(log: string, n: number, namer?: Namer): string {
  const name = `${log}.${n}`;
  return namer === undefined ? name : namer(name);
}

/** How compressed files are called; the empty extension is a plain file. */
export type Extension = "" | ".gz" | ".br" | ".zst";

const NUMBERED = /^\.([1-9]\d*)(|\.gz|\.br|\.zst)$/;

/** The inverse of {@link numberedName} without a namer, from a name in the directory of `log`. */
export function parseNumbered(log: string, name: string): { n: number; extension: Extension } | undefined {
  const base = basename(log);
  const match = name.startsWith(base) ? NUMBERED.exec(name.slice(base.length)) : null;
  return match === null ? undefined : { n: Number(match[1]), extension: match[2] as Extension };
}

/**
 * A rotated file on its way to a compressed backup. It waits under a hidden name, since upstream, with gzip on, removes
 * a plain "app.log.1"; and hidden names match no shipper's "app.log*".
 */
export interface Pending {
  /** Order of rotation; the next one is larger. */
  readonly sequence: number;
  /** Fingerprint of the newest backup when this file was rotated: its place is in front of that one. "0" = none. */
  readonly anchor: string;
  /**
   * `pending`: yet to be compressed; a compressed form beside it may be cut off.
   * `published`: compressed; the result has its public name, or is to be given it.
   */
  readonly state: "pending" | "published";
}

const SEQUENCE_DIGITS = 10;
const PENDING = /^(\d{10})\.(0|[0-9a-f]+-[0-9a-f]+)\.(pending|published)$/;

export function pendingPath(log: string, { sequence, anchor, state }: Pending): string {
  return hidden(log, `${digits(sequence)}.${anchor}.${state}`);
}

/** The inverse of {@link pendingPath}, from a name in the directory of `log`. */
export function parsePending(log: string, name: string): Pending | undefined {
  const prefix = basename(hidden(log, ""));
  const match = name.startsWith(prefix) ? PENDING.exec(name.slice(prefix.length)) : null;
  if (match === null) return undefined;
  const [, sequence, anchor, state] = match as unknown as [string, string, string, Pending["state"]];
  return { sequence: Number(sequence), anchor, state };
}

/** The compressed form of a pending file, before it gets its public name. */
export function compressedPath(log: string, sequence: number, extension: Extension): string {
  return hidden(log, `${digits(sequence)}${extension}`);
}

function hidden(log: string, rest: string): string {
  return join(dirname(log), `.__${basename(log)}.${rest}`);
}

function digits(sequence: number): string {
  return String(sequence).padStart(SEQUENCE_DIGITS, "0");
}

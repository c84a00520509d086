import iconv from "iconv-lite";
import * as v from "valibot";
import { findCodec } from "../codec.js";
import { hasCode } from "../errors.js";
import { FileStatus, type FileSystem, O_NONBLOCK, O_RDONLY } from "../platform/fs.js";
import { refused } from "../resolve-options.js";
import { settingsPath } from "../rotation/naming.js";

/** How the records of a log are told apart and become text. */
export class LineFormat {
  /** What ends a record, in bytes. */
  readonly end: Buffer;
  /** What else of the terminator stands before that. */
  readonly beforeEnd: Buffer;
  /** Bytes of the smallest character. */
  readonly unit: number;
  readonly byteOrderMark: Buffer;
  readonly isUtf8: boolean;
  readonly #codec: string;

  constructor(encoding: string, terminator: string) {
    const codec = findCodec(encoding);
    if (codec === undefined) throw refused("encoding", encoding, 'an encoding such as "utf-8", "latin-1" or "cp1252"');
    this.#codec = codec.name;
    this.isUtf8 = codec.name === "utf8";
    this.byteOrderMark = codec.byteOrderMark;
    // A record that was cut off ends with a bare line feed, whatever the terminator.
    const end = terminator.endsWith("\n") || terminator === "" ? "\n" : terminator;
    this.end = this.#encode(end);
    this.beforeEnd = this.#encode(terminator.slice(0, Math.max(0, terminator.length - end.length)));
    this.unit = this.#encode("\n").length;
  }

  decode(bytes: Buffer): string {
    return this.isUtf8 ? bytes.toString("utf8") : iconv.decode(bytes, this.#codec, { stripBOM: false });
  }

  /** Where the last record that is whole ends in `bytes`, looking from `from` on; 0 when none does. */
  lastEnd(bytes: Buffer, from: number): number {
    let at = bytes.lastIndexOf(this.end);
    while (at >= from && at % this.unit !== 0) at = at === 0 ? -1 : bytes.lastIndexOf(this.end, at - 1);
    return at >= from ? at + this.end.length : 0;
  }

  /** Where the record that begins at `start` ends, its terminator included; -1 when it does not. */
  endOf(bytes: Buffer, start: number): number {
    let at = this.end.length === 1 ? bytes.indexOf(this.end[0]!, start) : bytes.indexOf(this.end, start);
    while (at !== -1 && (at - start) % this.unit !== 0) at = bytes.indexOf(this.end, at + 1);
    return at === -1 ? -1 : at + this.end.length;
  }

  /** How many bytes at the end of `bytes` are its terminator. */
  terminatorLength(bytes: Buffer): number {
    const { end, beforeEnd } = this;
    if (!bytes.subarray(-end.length).equals(end)) return 0;
    const rest = bytes.subarray(0, bytes.length - end.length);
    const isLong = beforeEnd.length > 0 && rest.subarray(-beforeEnd.length).equals(beforeEnd);
    return end.length + (isLong ? beforeEnd.length : 0);
  }

  #encode(text: string): Buffer {
    return iconv.encode(text, this.#codec, { addBOM: false });
  }
}

const LONGEST = 4096;
const schema = v.object({ settings: v.object({ encoding: v.string(), terminator: v.string() }) });

/**
 * As the options say; else as the writers of the log have left it beside it; else lines of UTF-8.
 * @throws {LogFileError} `ERR_CLH_OPTION`
 */
export function lineFormatOf(
  fs: FileSystem,
  log: string,
  given: { encoding?: string; terminator?: string },
): LineFormat {
  const left = given.encoding === undefined || given.terminator === undefined ? whatWritersLeft(fs, log) : undefined;
  const { name, mark } = /^(?<name>.*?)(?<mark> with a byte order mark)?$/.exec(left?.encoding ?? "utf8")!.groups as {
    name: string;
    mark?: string;
  };
  const encoding = given.encoding ?? (mark === undefined ? name : (MARKED.get(name) ?? name));
  if (given.terminator !== undefined) return new LineFormat(encoding, given.terminator);
  const format = new LineFormat(encoding, "\n");
  return new LineFormat(encoding, format.decode(Buffer.from(left?.terminator ?? "", "latin1")) || "\n");
}

const MARKED = new Map([
  ["utf8", "utf-8-sig"],
  ["utf-16le", "utf-16"],
  ["utf-32le", "utf-32"],
]);

/** Undefined when there is nothing of the kind. It is a help and no more: the default reads most logs as well. */
function whatWritersLeft(fs: FileSystem, log: string): { encoding: string; terminator: string } | undefined {
  try {
    const fd = fs.open(settingsPath(log), O_RDONLY | O_NONBLOCK);
    try {
      const status = new FileStatus();
      fs.statusOfOpen(fd, status);
      const bytes = Buffer.alloc(LONGEST);
      const length = status.isFile ? fs.read(fd, bytes, 0, LONGEST, 0) : 0;
      const result = v.safeParse(schema, JSON.parse(bytes.toString("utf8", 0, length)));
      return result.success ? result.output.settings : undefined;
    } finally {
      fs.close(fd);
    }
  } catch (error) {
    if (error instanceof SyntaxError || hasCode(error, "ENOENT", "EACCES")) return undefined;
    throw error;
  }
}

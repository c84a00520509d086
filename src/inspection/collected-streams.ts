import { basename } from "node:path";
import { hasCode, reason } from "../base/system-errors.js";
import { type CursorLook, lookInto } from "../cursor/cursor-state.js";
import { isCursor, parseCursor } from "../log-files/hidden-names.js";
import { pathsOf } from "../log-files/list-files.js";
import type { Environment } from "../platform/environment.js";
import { FilePath, FileStatus } from "../platform/file-system.js";
import { type Finding, finding } from "./finding.js";
import { lockHolders } from "./lock-holders.js";
import { type ProcessInfo, processInfo } from "./processes.js";

// Writers that are named, the newest first: a stream may have had 50,000.
const MOST_WRITERS = 100;

/** A writer of a stream, as far as its records are in the log. */
export interface StreamWriter {
  /** Its subject, which ends with its name. */
  readonly subject: string;
  /** Number of its last record in the log, counted from 1. */
  readonly last: number;
  /** When the stream got that, in milliseconds since 1970. */
  readonly at: number;
}

/** A stream of NATS that is collected into a log, as its cursor beside the log says. */
export interface CollectedStream {
  /** Its name. */
  readonly stream: string;
  /** Path of the cursor. */
  readonly path: string;
  /** Why the cursor cannot be read, or not to its end; undefined when all is well. */
  readonly problem: string | undefined;
  /** When the stream was made, as its servers say it: another one of its name is another stream. */
  readonly created: string | undefined;
  /** All messages up to this one are in the log, or in the batch; undefined when nothing was collected yet. */
  readonly sequence: number | undefined;
  /** Processes that collect it, of which one works; undefined where that is not known. */
  readonly collectors: readonly ProcessInfo[] | undefined;
  /** How many writers are known. */
  readonly writerCount: number;
  /** The last hundred of these that were heard of, the newest first. */
  readonly writers: readonly StreamWriter[];
  /** The part of the batch in hand that is not noted as appended yet. */
  readonly left: {
    /** How many records. */
    readonly records: number;
    /** All of them together. */
    readonly bytes: number;
  };
}

const NOTHING: CursorLook = { place: undefined, writers: new Map(), left: { records: 0, bytes: 0 }, damage: undefined };

/** The streams of which there are cursors beside a log. @internal */
export function collectedStreams(environment: Environment, log: string): CollectedStream[] {
  const { fs, clock } = environment;
  const holders = lockHolders(fs);
  const status = new FileStatus();
  return pathsOf(fs, log, isCursor)
    .sort()
    .filter((path) => fs.status(new FilePath(path), status))
    .map((path) => {
      const pids = holders(path, status);
      const { place, writers, left, problem } = look(environment, log, path);
      return {
        stream: parseCursor(log, basename(path))!,
        path,
        problem,
        created: place?.stream || undefined,
        sequence: place?.sequence,
        collectors: pids?.map((pid) => processInfo(fs, clock, pid)),
        writerCount: writers.size,
        writers: [...writers]
          .map(([subject, { last, time }]) => ({ subject, last, at: time }))
          .sort((a, b) => b.at - a.at)
          .slice(0, MOST_WRITERS),
        left,
      };
    });
}

function look({ fs }: Environment, log: string, path: string): CursorLook & { readonly problem: string | undefined } {
  try {
    const found = lookInto(fs, log, path);
    return { ...found, problem: found.damage };
  } catch (cause) {
    const problem = hasCode(cause, "ENOENT") ? "it has gone meanwhile" : reason(cause);
    return { ...NOTHING, problem };
  }
}

/** Reports what no collector works on any more, and cursors that cannot be read. @internal */
export function streamFindings(streams: readonly CollectedStream[]): Finding[] {
  return streams.flatMap(({ stream, path, problem, left, collectors }) => {
    const found: Finding[] = [];
    if (problem !== undefined)
      found.push(
        finding("problem", "unreadable", path, `${path}, which says how far ${stream} is in the log: ${problem}`),
      );
    if (left.records > 0) {
      const isLeft = collectors !== undefined && collectors.length === 0;
      const who =
        collectors === undefined
          ? "whether a collector is at it is not known here"
          : isLeft
            ? "no collector is at it: start clh collect, which appends what is not there"
            : `process ${collectors.map(({ pid }) => pid).join(", ")} is at it`;
      const records = `${left.records} ${left.records === 1 ? "record" : "records"} (${left.bytes} bytes)`;
      const message = `${path} has a batch of the stream ${stream}, of which ${records} may not be in the log: ${who}`;
      found.push(finding(isLeft ? "problem" : "note", "leftover", path, message));
    }
    return found;
  });
}

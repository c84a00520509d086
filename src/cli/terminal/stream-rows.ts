import type { CollectedStream } from "../../inspection/collected-streams.js";
import type { StreamLag } from "../../nats/collect/lag.js";
import { systemClock } from "../../platform/clock.js";
import { counted, fillBar, group, sizeText } from "./layout.js";
import { printable } from "./printable.js";

/** A stream that is collected, and how far the log is behind, where its servers were asked. */
export interface StreamStatus extends CollectedStream {
  readonly lag?: StreamLag;
}

const MOST_WRITERS = 5;

/** Lines of the status of a log about one of its streams: a name and a text each. */
export function streamRows(status: StreamStatus): [string, string][] {
  const { stream, sequence, collectors, writerCount, writers, left, lag } = status;
  const place = sequence === undefined ? "nothing is collected yet" : `up to message ${group(sequence)} in the log`;
  const waiting = left.records === 0 ? "" : `, ${counted(left.records, "record")} in hand`;
  const named = writers
    .slice(0, MOST_WRITERS)
    .map(({ subject, last, at }) => ["", `${printable(subject)}, ${counted(last, "record")}, ${before(at)}`]) as [
    string,
    string,
  ][];
  return [
    ["stream", `${stream}, ${place}${waiting}`],
    ["collector", collectorsText(collectors)],
    ...(lag === undefined ? [] : lagRows(lag)),
    ["sends", writerCount === 0 ? "no writer that numbers its records" : counted(writerCount, "writer")],
    ...named,
    ...(writerCount > named.length ? [["", `and ${group(writerCount - named.length)} more`] as [string, string]] : []),
  ];
}

function collectorsText(collectors: StreamStatus["collectors"]): string {
  if (collectors === undefined) return "not known: this user, on this system, does not see all processes";
  if (collectors.length === 0) return "none works now";
  return collectors
    .map(({ pid, command }) => `${pid}${command === undefined ? "" : ` ${printable(command)}`}`)
    .join(", ");
}

function lagRows({ messages, seconds, bytes, maxBytes, isAnother }: StreamLag): [string, string][] {
  const behind = messages === 0 ? "none" : `${counted(messages, "message")}, the oldest ${Math.round(seconds)} s old`;
  const anew = isAnother ? ", of a stream that was made anew since" : "";
  const fill = maxBytes === undefined ? "" : ` ${fillBar(bytes, maxBytes)} of ${sizeText(maxBytes)}`;
  return [
    ["lag", `${behind}${anew}`],
    ["in the stream", `${sizeText(bytes)}${fill}`],
  ];
}

function before(at: number): string {
  const seconds = Math.max(0, Math.round((systemClock.now() - at) / 1000));
  return seconds < 120 ? `${seconds} s ago` : new Date(at).toLocaleString("sv");
}

import type { LogStatus } from "../../inspection/status.js";
import type { StreamStatus } from "./stream-rows.js";

type Value = number | boolean | undefined;
type Status = LogStatus & { readonly streams: readonly StreamStatus[] };

/** Name, unit (the end of the name), what it is, and its value; without one the metric is left out. */
const METRICS: readonly (readonly [name: string, unit: string, help: string, value: (status: LogStatus) => Value])[] = [
  ["clh_active_size_bytes", "bytes", "Size of the active file.", ({ active }) => active?.size ?? 0],
  [
    "clh_active_modified_timestamp_seconds",
    "seconds",
    "Last change of the active file.",
    ({ active }) => active && active.modifiedAt / 1000,
  ],
  ["clh_max_size_bytes", "bytes", "Size at which the active file is rotated.", ({ next }) => next.maxBytes],
  ["clh_next_rotation_timestamp_seconds", "seconds", "Next rotation by time.", ({ next }) => next.at && next.at / 1000],
  ["clh_backups", "", "Rotated files, those that wait to be compressed included.", ({ backups }) => backups.length],
  ["clh_backups_size_bytes", "bytes", "Size of all of them.", ({ backups }) => sum(backups.map(({ size }) => size))],
  ["clh_backlog_files", "", "Rotated files that wait to be compressed.", ({ backlog }) => backlog.files],
  ["clh_backlog_size_bytes", "bytes", "Size of all of them.", ({ backlog }) => backlog.bytes],
  ["clh_spills", "", "Files of records that wait for the lock.", ({ onTheWay }) => spills(onTheWay).length],
  [
    "clh_spills_size_bytes",
    "bytes",
    "Size of all of them.",
    ({ onTheWay }) => sum(spills(onTheWay).map(({ bytes }) => bytes)),
  ],
  ["clh_writers", "", "Processes that have the active file open for writing.", ({ writers }) => writers?.length],
  [
    "clh_lock_held",
    "",
    "Whether somebody holds the lock at this moment.",
    ({ lock }) => lock.holders && lock.holders.length > 0,
  ],
  [
    "clh_problems",
    "",
    "What differs from the settings of the writers.",
    ({ findings }) => findings.filter(({ severity }) => severity === "problem").length,
  ],
];

/** The same of each stream that is collected into the log. */
const STREAM_METRICS: readonly (readonly [
  name: string,
  unit: string,
  help: string,
  value: (status: StreamStatus) => Value,
])[] = [
  ["clh_stream_sequence", "", "Message up to which the stream is in the log.", ({ sequence }) => sequence],
  ["clh_stream_collectors", "", "Processes that collect the stream.", ({ collectors }) => collectors?.length],
  ["clh_stream_writers", "", "Writers that are known.", ({ writerCount }) => writerCount],
  [
    "clh_stream_newest_timestamp_seconds",
    "seconds",
    "When the stream got the newest record in the log.",
    ({ writers }) => writers[0] && writers[0].at / 1000,
  ],
  ["clh_stream_batch_size_bytes", "bytes", "Records in hand that may not be in the log.", ({ left }) => left.bytes],
  ["clh_stream_lag_messages", "", "Messages that are not in the log.", ({ lag }) => lag?.messages],
  ["clh_stream_lag_seconds", "seconds", "Age of the oldest of them.", ({ lag }) => lag?.seconds],
  ["clh_stream_size_bytes", "bytes", "Bytes in the stream.", ({ lag }) => lag?.bytes],
  ["clh_stream_max_size_bytes", "bytes", "Limit of the stream.", ({ lag }) => lag?.maxBytes],
];

/** Gauges of a log as OpenMetrics text, for the textfile collector of node_exporter. What is not known is left out. */
export function openMetrics(status: Status): string {
  const log = `log="${escaped(status.log)}"`;
  const families = [
    ...METRICS.map(([name, unit, help, ask]) => family(name, unit, help, [[log, ask(status)]])),
    ...STREAM_METRICS.map(([name, unit, help, ask]) =>
      family(
        name,
        unit,
        help,
        status.streams.map((each) => [`${log},stream="${escaped(each.stream)}"`, ask(each)]),
      ),
    ),
  ];
  return `${families.flat().join("\n")}\n# EOF\n`;
}

/** Lines of one metric; none where no value is known. */
function family(
  name: string,
  unit: string,
  help: string,
  samples: readonly (readonly [labels: string, value: Value])[],
): string[] {
  const known = samples.filter(([, value]) => value !== undefined);
  if (known.length === 0) return [];
  return [
    `# TYPE ${name} gauge`,
    ...(unit === "" ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${help}`,
    ...known.map(([labels, value]) => `${name}{${labels}} ${Number(value)}`),
  ];
}

function escaped(label: string): string {
  return label.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));
}

function spills(onTheWay: LogStatus["onTheWay"]): LogStatus["onTheWay"] {
  return onTheWay.filter(({ kind }) => kind === "spill");
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

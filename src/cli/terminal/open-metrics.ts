import type { LogStatus } from "../../inspection/status.js";

type Value = number | boolean | undefined;

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

/** Gauges of a log as OpenMetrics text, for the textfile collector of node_exporter. What is not known is left out. */
export function openMetrics(status: LogStatus): string {
  const log = status.log.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));
  const families = METRICS.flatMap(([name, unit, help, ask]) => {
    const value = ask(status);
    if (value === undefined) return [];
    const about = [
      `# TYPE ${name} gauge`,
      ...(unit === "" ? [] : [`# UNIT ${name} ${unit}`]),
      `# HELP ${name} ${help}`,
    ];
    return [...about, `${name}{log="${log}"} ${Number(value)}`];
  });
  return `${families.join("\n")}\n# EOF\n`;
}

function spills(onTheWay: LogStatus["onTheWay"]): LogStatus["onTheWay"] {
  return onTheWay.filter(({ kind }) => kind === "spill");
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

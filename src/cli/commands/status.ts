import { basename } from "node:path";
import { Command, Option } from "commander";
import { LogFileError } from "../../base/errors.js";
import { networkOf } from "../../disk/network-mounts.js";
import type { ProcessInfo } from "../../inspection/processes.js";
import { type LogStatus, logStatus } from "../../inspection/status.js";
import { systemClock } from "../../platform/clock.js";
import { systemEnvironment } from "../../platform/environment.js";
import { hostName } from "../../platform/identity.js";
import { lostHost } from "../doctor/advice.js";
import { colours } from "../terminal/colours.js";
import { BAD_RESULT, BAD_USAGE, CommandFailure } from "../terminal/exit.js";
import { columnsOf, counted, fillBar, group, sizeText, wrap } from "../terminal/layout.js";
import { addServerFlags, isNats, serverOptions } from "../terminal/nats-flags.js";
import { openMetrics } from "../terminal/open-metrics.js";
import { Output } from "../terminal/output.js";
import { complain, jsonLine, printable } from "../terminal/printable.js";
import { addPlaceFlags, duration } from "../terminal/reading-flags.js";
import { type StreamStatus, streamRows } from "../terminal/stream-rows.js";

interface Flags extends Record<string, unknown> {
  readonly watch?: true;
  readonly json?: true;
  readonly format: "text" | "openmetrics";
  readonly lockFileDirectory?: string;
  readonly nats?: string;
  readonly stream?: string;
  readonly maxLag?: number;
  readonly backupName?: string;
  readonly archiveDirectory?: string;
}

const WATCH_EVERY = 1000;
const CLEAR = "\x1b[H\x1b[2J\x1b[3J";
const MOST_BACKUPS = 20;

export function statusCommand(): Command {
  const command = new Command("status")
    .description("Show who writes a log, its size, its next rotation, its backups and what waits. Takes no lock.")
    .argument("<file>", "the log")
    .option("--watch", "show it again every second")
    .option("--json", "print it as JSON, one line each time")
    .addOption(
      new Option("--format <format>", "text, or gauges as OpenMetrics for node_exporter")
        .choices(["text", "openmetrics"])
        .default("text")
        .conflicts(["json", "watch"]),
    );
  addPlaceFlags(command)
    .option("--nats <servers>", "nats://host,host: ask them how far a log that is collected is behind its stream")
    .option("--stream <name>", "with nats://, the stream; without it, each that is collected into the log")
    .option("--max-lag <time>", "with nats://, exit with 1 if a record waits for longer, e.g. 30s", duration);
  return addServerFlags(command)
    .addHelpText(
      "after",
      "\nExamples:\n  clh status app.log\n  clh status app.log --watch\n  clh status app.log --json | jq .backlog" +
        "\n  clh status all.log --nats nats://log1,log2,log3 --creds collector.creds --max-lag 30s",
    )
    .action(status);
}

async function status(file: string, flags: Flags): Promise<void> {
  const { lockFileDirectory, backupName, archiveDirectory, maxLag = Number.POSITIVE_INFINITY } = flags;
  if (flags.nats === undefined && (flags.stream ?? flags.maxLag) !== undefined)
    throw new CommandFailure("--stream and --max-lag belong to --nats", BAD_USAGE);
  let before: Look | undefined;
  const isLive = flags.watch && process.stdout.isTTY && !flags.json;
  const output = new Output();
  while (output.isOpen) {
    const now = await look(
      async () => withLag(await logStatus(file, { lockFileDirectory, backupName, archiveDirectory }), flags),
      flags,
      before,
      isLive ? process.stdout.rows : Number.POSITIVE_INFINITY,
    );
    before = now;
    await output.write(isLive ? CLEAR + now.text : now.text);
    await output.flush();
    const seconds = (now.status?.streams ?? []).map(({ lag }) => lag?.seconds ?? 0);
    if (!flags.watch && Math.max(0, ...seconds) * 1000 > maxLag) process.exitCode = BAD_RESULT;
    if (!flags.watch) return;
    await systemClock.delay(WATCH_EVERY);
  }
}

/** The status of a log, and how far it is behind its streams, where their servers were asked. */
interface FullStatus extends LogStatus {
  readonly streams: readonly StreamStatus[];
}

async function withLag(status: LogStatus, flags: Flags): Promise<FullStatus> {
  const { nats, stream } = flags;
  if (nats === undefined) return status;
  if (!isNats(nats)) throw new CommandFailure('--nats must be servers such as "nats://log1,log2,log3"', BAD_USAGE);
  const asked = status.streams.filter((each) => stream === undefined || each.stream === stream);
  if (asked.length === 0)
    throw new CommandFailure(
      `no collector has ever written ${stream === undefined ? "a stream" : `the stream ${stream}`} into ${status.log}`,
      BAD_USAGE,
    );
  const [{ resolveCollectServers }, { askLag }] = await Promise.all([
    import("../../nats/collect/collect-options.js"),
    import("../../nats/collect/lag.js"),
  ]);
  const servers = resolveCollectServers(serverOptions(nats, flags));
  const streams = await Promise.all(
    status.streams.map(
      async (each): Promise<StreamStatus> =>
        asked.includes(each) ? { ...each, lag: await askLag(servers, each.stream, each, systemEnvironment()) } : each,
    ),
  );
  return { ...status, streams };
}

interface Look {
  readonly text: string;
  /** Undefined when there was no log. */
  readonly status?: FullStatus;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/**
 * @param before what was seen a moment ago, if anything was
 * @param rows how many lines there is room for; older backups are left out
 */
async function look(
  ask: () => Promise<FullStatus>,
  flags: Flags,
  before: Look | undefined,
  rows: number,
): Promise<Look> {
  let status: FullStatus;
  const at = systemClock.now();
  try {
    status = await ask();
  } catch (error) {
    // While it is watched, it may go and come again.
    if (before === undefined || !(error instanceof LogFileError)) throw error;
    if (!flags.json) return { text: `${printable(error.message)}\n`, at };
    complain(error.message);
    return { text: "", at };
  }
  if (flags.json) return { text: jsonLine(status), status, at };
  if (flags.format === "openmetrics") return { text: openMetrics(status), status, at };
  const rate = rateOf(before, status, at);
  const text = report(status, MOST_BACKUPS, rate);
  const excess = text.split("\n").length - rows;
  const fitting = Math.max(0, Math.min(MOST_BACKUPS, status.backups.length) - excess - 1);
  return { text: excess > 0 ? report(status, fitting, rate) : text, status, at };
}

/** How fast the active file grows, as long as it is the same one. */
function rateOf(before: Look | undefined, { active, backups }: LogStatus, at: number): string | undefined {
  const { status } = before ?? {};
  if (status?.active === undefined || active === undefined) return undefined;
  const newest = (files: LogStatus["backups"]) => `${files.at(-1)?.path} ${files.at(-1)?.modifiedAt}`;
  if (newest(status.backups) !== newest(backups) || active.size < status.active.size) return "rotated just now";
  const seconds = Math.max(0.001, (at - before!.at) / 1000);
  return `${sizeText(Math.round((active.size - status.active.size) / seconds))} per second`;
}

function report(status: FullStatus, mostBackups: number, rate?: string): string {
  const { bold, red, yellow } = colours(process.stdout);
  const { log, active, lock, writers, next, backups, backlog, onTheWay, streams, settings, findings } = status;
  const { maxBytes } = next;
  const fill = active === undefined || maxBytes === undefined ? "" : ` ${fillBar(active.size, maxBytes)}`;
  const rows: [string, string][] = [
    [
      "size",
      active === undefined
        ? "no such file just now"
        : `${sizeText(active.size)}${fill}, changed ${ago(active.modifiedAt)}`,
    ],
    ...(rate === undefined ? [] : [["rate", rate] as [string, string]]),
    ["next rotation", nextRotation(next, settings)],
    ["lock", lock.exists ? holders(lock) : "no lock file yet"],
    ...list(
      "writers",
      writers?.map(describe) ?? ["not known: this user, on this system, does not see them all"],
      "none has it open now",
    ),
    ["backups", `${group(backups.length)}, ${sizeText(backups.reduce((sum, { size }) => sum + size, 0))}`],
  ];
  const newest = backups.toReversed().slice(0, mostBackups);
  const table = newest.map(({ path, size, modifiedAt, isWaiting }) => [
    printable(basename(path)),
    sizeText(size),
    `${date(modifiedAt)}${isWaiting ? "  waits to be compressed" : ""}`,
  ]);
  if (backups.length > newest.length)
    table.push([`and ${counted(backups.length - newest.length, "older one")}`, "", ""]);
  const rest: [string, string][] = [
    ["to compress", backlog.files === 0 ? "nothing" : `${counted(backlog.files, "file")}, ${sizeText(backlog.bytes)}`],
    ...onTheWay
      .filter(({ kind }) => kind !== "waits to be compressed")
      .map(({ path, kind, bytes, holders: pids }): [string, string] => [
        kind === "spill" ? "spill" : "on its way",
        `${printable(basename(path))} ${kind === "spill" ? "" : `${kind}, `}${sizeText(bytes)}${pids?.length ? `, process ${pids.join(", ")}` : ""}`,
      ]),
    ...streams.flatMap(streamRows),
    ["settings", settings === undefined ? "none left beside it" : settingsText(settings)],
  ];
  const lines = columns([...rows, ...rest]);
  return `${[
    bold(printable(log)),
    ...lines.slice(0, rows.length),
    ...narrow(table).map((line) => `  ${line}`),
    ...lines.slice(rows.length),
    ...findings.map(({ severity, message }) => {
      const text = wrap(printable(message), columnsOf(process.stdout) - 2).join("\n  ");
      return `${severity === "problem" ? red("!") : yellow("-")} ${text}`;
    }),
  ].join("\n")}\n`;
}

function list(name: string, values: readonly string[], none: string): [string, string][] {
  if (values.length === 0) return [[name, none]];
  return values.map((value, i) => [i === 0 ? name : "", value]);
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = [0, 1].map((i) => Math.max(0, ...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map(([first = "", second = "", third]) => {
    // Numbers stand in the middle of three columns.
    const rest = third === undefined ? second : `${second.padStart(widths[1]!)}  ${third}`;
    const indent = widths[0]! + 2;
    if (third !== undefined) return `${first.padEnd(widths[0]!)}  ${rest}`.trimEnd();
    const wrapped = wrap(rest, columnsOf(process.stdout) - indent).join(`\n${" ".repeat(indent)}`);
    return `${first.padEnd(widths[0]!)}  ${wrapped}`.trimEnd();
  });
}

/** The same; where that is too wide for the terminal, with the rest of a row below its name. */
function narrow(table: readonly (readonly string[])[]): string[] {
  const lines = columns(table);
  if (lines.every((line) => line.length + 2 <= columnsOf(process.stdout))) return lines;
  return table.flatMap(([name = "", ...rest]) => [name, `  ${rest.join("  ").trim()}`]);
}

function nextRotation({ maxBytes, bytesLeft, at }: LogStatus["next"], settings: LogStatus["settings"]): string {
  const reasons = [
    ...(maxBytes === undefined ? [] : [`in ${sizeText(bytesLeft!)}, at ${sizeText(maxBytes)}`]),
    ...(at === undefined ? [] : [`at ${date(at)}`]),
  ];
  if (reasons.length > 0) return reasons.join(", or ");
  if (settings === undefined) return "not known: no writer has left its settings";
  return settings.settings.kind === "size" ? "none by itself: maxBytes is 0" : "not known: no writer has said when";
}

function holders({ path, holders }: LogStatus["lock"]): string {
  if (holders !== undefined) return holders.length === 0 ? "free" : `held by ${holders.map(describe).join(", ")}`;
  const network = networkOf(systemEnvironment().fs, path);
  return network === undefined
    ? "whether it is held is not known: this user, on this system, does not see all processes"
    : `no process that is seen here holds it: another host may, or one that has died. ${lostHost(network.kind)}`;
}

function describe({ pid, command, since }: ProcessInfo): string {
  return `${pid}${command === undefined ? "" : ` ${printable(command)}`}${since === undefined ? "" : `, since ${date(since)}`}`;
}

function settingsText({ writer, settings }: NonNullable<LogStatus["settings"]>): string {
  const shown = Object.entries(settings).filter(([, value]) => value !== null);
  const values = shown.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(", ");
  const { pid, host = "" } = writer ?? {};
  const elsewhere = host === "" || host === hostName() ? "" : ` on ${host}`;
  const who = writer === undefined ? "" : ` (of process ${pid}${elsewhere})`;
  return printable(values + who);
}

function date(milliseconds: number): string {
  return new Date(milliseconds).toLocaleString("sv"); // 2024-05-17 10:20:30
}

function ago(milliseconds: number): string {
  const seconds = Math.max(0, Math.round((systemClock.now() - milliseconds) / 1000));
  return seconds < 120 ? `${seconds} s ago` : date(milliseconds);
}

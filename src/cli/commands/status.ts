import { basename } from "node:path";
import { Command } from "commander";
import { LogFileError } from "../../base/errors.js";
import { networkOf } from "../../disk/network-mounts.js";
import type { ProcessInfo } from "../../inspection/processes.js";
import { type LogStatus, logStatus } from "../../inspection/status.js";
import { systemClock } from "../../platform/clock.js";
import { systemEnvironment } from "../../platform/environment.js";
import { hostName } from "../../platform/identity.js";
import { lostHost } from "../doctor/advice.js";
import { colours } from "../terminal/colours.js";
import { Output } from "../terminal/output.js";
import { complain, jsonLine, printable } from "../terminal/printable.js";
import { group } from "../terminal/progress.js";

interface Flags {
  readonly watch?: true;
  readonly json?: true;
  readonly lockFileDirectory?: string;
}

const WATCH_EVERY = 1000;
const CLEAR = "\x1b[H\x1b[2J\x1b[3J";
const MOST_BACKUPS = 20;

export function statusCommand(): Command {
  return new Command("status")
    .description("Show who writes a log, its size, its next rotation, its backups and what waits. Takes no lock.")
    .argument("<file>", "the log")
    .option("--watch", "show it again every second")
    .option("--json", "print it as JSON, one line each time")
    .option("--lock-file-directory <dir>", "where the lock file is, if not beside the log")
    .addHelpText(
      "after",
      "\nExamples:\n  clh status app.log\n  clh status app.log --watch\n  clh status app.log --json | jq .backlog",
    )
    .action(status);
}

async function status(file: string, flags: Flags): Promise<void> {
  const { lockFileDirectory } = flags;
  let isFirst = true;
  const isLive = flags.watch && process.stdout.isTTY && !flags.json;
  const output = new Output();
  while (output.isOpen) {
    const text = await look(
      () => logStatus(file, { lockFileDirectory }),
      flags,
      isFirst,
      isLive ? process.stdout.rows : Number.POSITIVE_INFINITY,
    );
    isFirst = false;
    await output.write(isLive ? CLEAR + text : text);
    await output.flush();
    if (!flags.watch) return;
    await systemClock.delay(WATCH_EVERY);
  }
}

/** @param rows how many lines there is room for; older backups are left out */
async function look(ask: () => Promise<LogStatus>, flags: Flags, isFirst: boolean, rows: number): Promise<string> {
  let now: LogStatus;
  try {
    now = await ask();
  } catch (error) {
    // While it is watched, it may go and come again.
    if (isFirst || !(error instanceof LogFileError)) throw error;
    if (!flags.json) return `${printable(error.message)}\n`;
    complain(error.message);
    return "";
  }
  if (flags.json) return jsonLine(now);
  const text = report(now, MOST_BACKUPS);
  const excess = text.split("\n").length - rows;
  return excess > 0 ? report(now, Math.max(0, Math.min(MOST_BACKUPS, now.backups.length) - excess - 1)) : text;
}

function report(status: LogStatus, mostBackups: number): string {
  const { bold, red, yellow } = colours(process.stdout);
  const { log, active, lock, writers, next, backups, backlog, onTheWay, settings, findings } = status;
  const rows: [string, string][] = [
    [
      "size",
      active === undefined ? "no such file just now" : `${group(active.size)} bytes, changed ${ago(active.modifiedAt)}`,
    ],
    ["next rotation", nextRotation(next, settings)],
    ["lock", lock.exists ? holders(lock) : "no lock file yet"],
    ...list(
      "writers",
      writers?.map(describe) ?? ["not known: this user, on this system, does not see them all"],
      "none has it open now",
    ),
    ["backups", `${group(backups.length)}, ${group(backups.reduce((sum, { size }) => sum + size, 0))} bytes`],
  ];
  const newest = backups.toReversed().slice(0, mostBackups);
  const table = newest.map(({ path, size, modifiedAt, isWaiting }) => [
    printable(basename(path)),
    `${group(size)}`,
    `${date(modifiedAt)}${isWaiting ? "  waits to be compressed" : ""}`,
  ]);
  if (backups.length > newest.length) table.push([`and ${group(backups.length - newest.length)} older ones`, "", ""]);
  const rest: [string, string][] = [
    ["to compress", backlog.files === 0 ? "nothing" : `${group(backlog.files)} files, ${group(backlog.bytes)} bytes`],
    ...onTheWay
      .filter(({ kind }) => kind !== "waits to be compressed")
      .map(({ path, kind, bytes, holders: pids }): [string, string] => [
        kind === "spill" ? "spill" : "on its way",
        `${printable(basename(path))} ${kind === "spill" ? "" : `${kind}, `}${group(bytes)} bytes${pids?.length ? `, process ${pids.join(", ")}` : ""}`,
      ]),
    ["settings", settings === undefined ? "none left beside it" : settingsText(settings)],
  ];
  const lines = columns([...rows, ...rest]);
  return `${[
    bold(printable(log)),
    ...lines.slice(0, rows.length),
    ...columns(table).map((line) => `  ${line}`),
    ...lines.slice(rows.length),
    ...findings.map(
      ({ severity, message }) => `${severity === "problem" ? red("!") : yellow("-")} ${printable(message)}`,
    ),
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
    return `${first.padEnd(widths[0]!)}  ${rest}`.trimEnd();
  });
}

function nextRotation({ maxBytes, bytesLeft, at }: LogStatus["next"], settings: LogStatus["settings"]): string {
  const reasons = [
    ...(maxBytes === undefined ? [] : [`in ${group(bytesLeft!)} bytes, at ${group(maxBytes)}`]),
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

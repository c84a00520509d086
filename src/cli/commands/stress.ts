import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Command, Option } from "commander";
import { type HandlerOptions, isTimed, makeHandler } from "../../handler/create-handler.js";
import { listLogFiles } from "../../log-files/list-files.js";
import { number } from "../../options/parsers.js";
import { systemClock } from "../../platform/clock.js";
import { systemEnvironment } from "../../platform/environment.js";
import { makeTemporaryDirectory, removeTree } from "../../platform/file-system.js";
import { readUpTo } from "../../platform/small-file.js";
import { check, type Verdict } from "../stress/verdict.js";
import type { WriterMessage } from "../stress/writer.js";
import { type RunningWriter, startWriter, WRITER_KINDS, type WriterKind } from "../stress/writers.js";
import { BAD_RESULT, BAD_USAGE, CommandFailure } from "../terminal/exit.js";
import { addHandlerFlags, handlerOptions } from "../terminal/handler-flags.js";
import { counted, group } from "../terminal/layout.js";
import { jsonLine, printable } from "../terminal/printable.js";
import { showProgress } from "../terminal/progress.js";
import { argument } from "../terminal/reading-flags.js";

interface Flags extends Record<string, unknown> {
  readonly numProcesses: number;
  readonly logCalls: number;
  readonly sleepMin: number;
  readonly sleepMax: number;
  readonly writers: WriterKind;
  readonly filename: string;
  readonly logDir?: string;
  readonly fail?: true;
  readonly json?: true;
}

/** What the writers did. */
interface Run {
  rotations: number;
  removedBackups: number;
  /** Milliseconds. */
  slowest: number;
  seconds: number;
}

const count = argument((text) => {
  const value = number(text);
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined;
}, "a whole number, 1 or more.");

const seconds = argument((text) => {
  const value = number(text);
  return typeof value === "number" ? value : undefined;
}, "a number of seconds, such as 0.01.");

export function stressCommand(): Command {
  const command = new Command("stress")
    .description("Let many writers write one log, then prove that every record is in it exactly once, whole, in order.")
    .option("--num-processes <n>", "how many writers", count, 10)
    .option("--log-calls <n>", "records of each writer", count, 1000)
    .addOption(new Option("--writers <kind>", "what they are").choices(WRITER_KINDS).default("process"))
    .option("--sleep-min <seconds>", "shortest pause between two records", seconds, 0.0001)
    .option("--sleep-max <seconds>", "longest pause between two records", seconds, 0.01)
    .option("--filename <name>", "name of the log", "stress_test.log")
    .option("--log-dir <dir>", "where the log is (default: a temporary directory)")
    .option("--use-timed", "rotate by time, every hour unless --when says otherwise")
    .option("--fail", "lose and double records on purpose, to see that it is found out")
    .option("--json", "print the verdict as JSON");
  return addHandlerFlags(command)
    .addHelpText(
      "after",
      "\nDefaults of the handler here: --max-bytes 10KiB (none when it rotates by time) --backup-count 2000" +
        "\n\nExamples:\n  clh stress --num-processes 8 --log-calls 100000 --sleep-max 0 --sleep-min 0 --max-bytes 1MiB" +
        "\n  clh stress --use-timed --when s --interval 3",
    )
    .action(stress);
}

async function stress(flags: Flags): Promise<void> {
  if (flags.sleepMax < flags.sleepMin) throw new CommandFailure("--sleep-max is less than --sleep-min", BAD_USAGE);
  const given = handlerOptions(flags);
  const options: HandlerOptions = { maxBytes: isTimed(given) ? 0 : 10 * 1024, backupCount: 2000, ...given };
  const isTemporary = flags.logDir === undefined;
  const directory = isTemporary ? makeTemporaryDirectory(tmpdir()) : resolve(flags.logDir!);
  const file = join(directory, flags.filename);
  removePreviousRun(file);
  tryOut(file, options);
  const expected = flags.numProcesses * flags.logCalls;
  if (!flags.json) process.stdout.write(`${describe(flags, options)}\n`);
  const run = await runWriters(file, options, flags);
  const verdict = await check(systemEnvironment().fs, file, options.encoding ?? "utf-8", {
    writers: new Map(Array.from({ length: flags.numProcesses }, (_, i) => [`w${i}`, flags.logCalls])),
    retention: run.removedBackups > 0,
  });
  const isGood = verdict.missing + verdict.duplicated + verdict.torn + verdict.outOfOrder === 0;
  if (flags.json) process.stdout.write(jsonLine({ ok: isGood, file, expected, ...verdict, ...run }));
  else process.stdout.write(`${report(verdict, run, expected, isGood, isTemporary && isGood ? undefined : file)}\n`);
  if (isTemporary && isGood) removeTree(directory);
  if (!isGood) process.exitCode = BAD_RESULT;
}

async function runWriters(file: string, options: HandlerOptions, flags: Flags): Promise<Run> {
  const run: Run = { rotations: 0, removedBackups: 0, slowest: 0, seconds: 0 };
  const records = new Map<number, number>();
  const rotations = new Map<number, number>();
  const sum = (of: Map<number, number>) => [...of.values()].reduce((a, b) => a + b, 0);
  const progress = showProgress(flags.numProcesses * flags.logCalls, "records", flags.json === true);
  const listenTo = (index: number) => (message: WriterMessage) => {
    if (message.type === "ready") return;
    records.set(index, message.type === "done" ? flags.logCalls : message.records);
    rotations.set(index, message.rotations);
    if (message.type === "done") {
      run.removedBackups += message.removed;
      run.slowest = Math.max(run.slowest, message.slowest);
    }
    const rate = sum(records) / ((systemClock.monotonic() - start) / 1000);
    progress.update(sum(records), `${counted(sum(rotations), "rotation")}  ${group(Math.round(rate))} records/s`);
  };
  let start = systemClock.monotonic();
  try {
    const writers: RunningWriter[] = await Promise.all(
      Array.from({ length: flags.numProcesses }, (_, index) =>
        startWriter(
          flags.writers,
          index,
          {
            writer: `w${index}`,
            file,
            options,
            records: flags.logCalls,
            pause: [flags.sleepMin * 1000, flags.sleepMax * 1000],
            faulty: flags.fail === true,
          },
          listenTo(index),
        ),
      ),
    );
    start = systemClock.monotonic();
    for (const writer of writers) writer.go();
    await Promise.all(writers.map(({ ended }) => ended));
  } catch (error) {
    throw new CommandFailure((error as Error).message, BAD_RESULT);
  } finally {
    progress.stop();
  }
  return { ...run, rotations: sum(rotations), seconds: (systemClock.monotonic() - start) / 1000 };
}

/** Deletes the log of an earlier stress test; refuses to touch any other. */
function removePreviousRun(file: string): void {
  const { fs } = systemEnvironment();
  const parts = fs.exists(dirname(file)) ? listLogFiles(fs, file) : [];
  for (const { path, extension } of parts) {
    if (extension === "" && !isFromStressTest(path)) {
      throw new CommandFailure(`${path} is there and not from a stress test: choose another --filename`, BAD_USAGE);
    }
  }
  for (const { path } of parts) fs.unlink(path);
}

function isFromStressTest(path: string): boolean {
  const start = readUpTo(systemEnvironment().fs, path, 1024);
  return start.length === 0 || /^.{0,4}w\d+-\d+-/.test(start.toString("latin1").replaceAll("\0", ""));
}

/** Before anything is started: are the options right, and can the file be written? */
function tryOut(file: string, options: HandlerOptions): void {
  const handler = makeHandler(file, options);
  handler.open();
  handler.close();
}

function describe(flags: Flags, options: HandlerOptions): string {
  const { useGzip, compression = useGzip ? "gzip" : "none" } = options;
  return (
    `${counted(flags.numProcesses, "writer")} (${flags.writers}) x ${counted(flags.logCalls, "record")}, ` +
    (isTimed(options) ? `every ${options.interval ?? 1} ${options.when}, ` : "") +
    `maxBytes ${options.maxBytes}, backupCount ${options.backupCount}, compression ${compression}`
  );
}

function report(verdict: Verdict, run: Run, expected: number, isGood: boolean, kept: string | undefined): string {
  const { found, missing, duplicated, torn, outOfOrder, removedRecords, files, problems } = verdict;
  const rate = group(Math.round(expected / run.seconds));
  return [
    `${isGood ? "PASS" : "FAIL"}  ${group(found)} of ${counted(expected, "record")} found`,
    `  missing ${group(missing)}, duplicated ${group(duplicated)}, torn ${group(torn)}, out of order ${group(outOfOrder)}`,
    ...(removedRecords > 0
      ? [
          `  ${counted(removedRecords, "record")} went with ${counted(run.removedBackups, "backup")} that backupCount removed`,
        ]
      : []),
    `  ${counted(run.rotations, "rotation")}, ${counted(files, "file")}, ${rate} records/s, slowest write ${run.slowest.toFixed(2)} ms`,
    ...problems.map((problem) => `  ! ${printable(problem)}`),
    ...(kept === undefined ? [] : [`  the log is ${printable(kept)}`]),
  ].join("\n");
}

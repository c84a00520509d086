import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Command, Option } from "commander";
import { type HandlerOptions, isTimed, makeHandler } from "../../handler/create-handler.js";
import { parseCursor } from "../../log-files/hidden-names.js";
import { listLogFiles, pathsOf } from "../../log-files/list-files.js";
import { type BackupNaming, namedBackups } from "../../log-files/named-backups.js";
import { number } from "../../options/parsers.js";
import { systemClock } from "../../platform/clock.js";
import { systemEnvironment } from "../../platform/environment.js";
import { type FileSystem, makeTemporaryDirectory, removeTree } from "../../platform/file-system.js";
import { readUpTo } from "../../platform/small-file.js";
import { STRESS_STREAM } from "../stress/record.js";
import type { StressStream } from "../stress/stream-run.js";
import { check, type Verdict } from "../stress/verdict.js";
import type { WriterMessage } from "../stress/writer.js";
import { type RunningWriter, startWriter, WRITER_KINDS, type WriterKind } from "../stress/writers.js";
import { BAD_RESULT, BAD_USAGE, CommandFailure } from "../terminal/exit.js";
import { addHandlerFlags, handlerOptions, withFlags } from "../terminal/handler-flags.js";
import { counted, group } from "../terminal/layout.js";
import { addServerFlags, isNats, serverOptions } from "../terminal/nats-flags.js";
import { complain, jsonLine, printable } from "../terminal/printable.js";
import { showProgress } from "../terminal/progress.js";
import { argument } from "../terminal/reading-flags.js";

interface Flags extends Record<string, unknown> {
  readonly nats?: string;
  readonly replicas: string;
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
  /** Records of each that must be in the log. */
  readonly acknowledged: Map<string, number>;
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

// A function does not come to the processes that write.
const HOOK = ["onArchived", "onArchivedTimeout"];

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
    .option("--json", "print the verdict as JSON")
    .option("--nats <servers>", "nats://host,host: through a stream there, which is made for it, and a collector")
    .addOption(
      new Option("--replicas <n>", "with nats://, servers that have each record").choices(["1", "3", "5"]).default("3"),
    )
    .option("--acknowledge <when>", "with nats://, when a record counts as written: spilled, stored or written");
  return addHandlerFlags(addServerFlags(command), HOOK)
    .addHelpText(
      "after",
      "\nDefaults of the handler here: --max-bytes 10KiB (none when it rotates by time) --backup-count 2000" +
        "\n\nExamples:\n  clh stress --num-processes 8 --log-calls 100000 --sleep-max 0 --sleep-min 0 --max-bytes 1MiB" +
        "\n  clh stress --use-timed --when s --interval 3" +
        "\n  clh stress --nats nats://log1,log2,log3 --creds admin.creds --num-processes 4 --log-calls 10000",
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
  const { fs } = namedBackups(systemEnvironment(), file, namingOf(file, options));
  removePreviousRun(fs, file);
  tryOut(file, options);
  const stream = await streamOf(file, options, flags);
  if (!flags.json) process.stdout.write(`${describe(flags, options, stream?.name)}\n`);
  const run = await runWriters(file, options, flags, stream);
  const { acknowledged, ...counts } = run;
  const expected = sum(acknowledged);
  const verdict = await check(fs, file, options.encoding ?? "utf-8", {
    writers: new Map([...acknowledged.keys()].map((writer) => [writer, flags.logCalls])),
    acknowledged,
    retention: run.removedBackups > 0,
  });
  const isGood = verdict.missing + verdict.duplicated + verdict.torn + verdict.outOfOrder === 0;
  if (isGood) await stream?.remove();
  const left = isTemporary && isGood ? undefined : file;
  if (flags.json) {
    const through = stream === undefined ? {} : { stream: stream.name, written: flags.numProcesses * flags.logCalls };
    process.stdout.write(jsonLine({ ok: isGood, file, ...through, expected, ...verdict, ...counts }));
  } else process.stdout.write(`${report(verdict, run, expected, isGood, left, isGood ? undefined : stream?.name)}\n`);
  if (isTemporary && isGood) removeTree(directory);
  if (!isGood) process.exitCode = BAD_RESULT;
}

async function streamOf(file: string, options: HandlerOptions, flags: Flags): Promise<StressStream | undefined> {
  const { nats, replicas, acknowledge } = flags;
  if (nats === undefined) return undefined;
  if (!isNats(nats)) throw new CommandFailure('--nats must be servers such as "nats://log1,log2,log3"', BAD_USAGE);
  const { StressStream } = await import("../stress/stream-run.js");
  const servers = serverOptions(nats, flags);
  const tell = ({ message }: Error) => complain(withFlags(message));
  const stream = new StressStream(file, options, servers, { replicas: Number(replicas), acknowledge }, tell);
  await stream.make();
  return stream;
}

async function runWriters(
  file: string,
  options: HandlerOptions,
  flags: Flags,
  stream: StressStream | undefined,
): Promise<Run> {
  const run: Run = { acknowledged: new Map(), rotations: 0, removedBackups: 0, slowest: 0, seconds: 0 };
  const records = new Map<number, number>();
  const rotations = new Map<number, number>();
  const rotated = () => stream?.rotations ?? sum(rotations);
  const progress = showProgress(flags.numProcesses * flags.logCalls, "records", flags.json === true);
  const listenTo = (index: number) => (message: WriterMessage) => {
    if (message.type === "ready") return;
    records.set(index, message.type === "done" ? flags.logCalls : message.records);
    rotations.set(index, message.rotations);
    if (message.type === "done") {
      run.acknowledged.set(`w${index}`, message.acknowledged);
      run.removedBackups += message.removed;
      run.slowest = Math.max(run.slowest, message.slowest);
    }
    const rate = sum(records) / ((systemClock.monotonic() - start) / 1000);
    progress.update(sum(records), `${counted(rotated(), "rotation")}  ${group(Math.round(rate))} records/s`);
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
            nats: stream?.writerOptions,
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
    await stream?.drain();
  } catch (error) {
    await stream?.end();
    throw new CommandFailure((error as Error).message, BAD_RESULT);
  } finally {
    progress.stop();
  }
  const seconds = (systemClock.monotonic() - start) / 1000;
  const removedBackups = stream?.removedBackups ?? run.removedBackups;
  return { ...run, rotations: rotated(), removedBackups, seconds };
}

function sum(of: ReadonlyMap<unknown, number>): number {
  return [...of.values()].reduce((a, b) => a + b, 0);
}

/** Deletes the log of an earlier stress test; refuses to touch any other. */
function removePreviousRun(fs: FileSystem, file: string): void {
  const isThere = fs.exists(dirname(file));
  const parts = isThere ? listLogFiles(fs, file) : [];
  for (const { path, extension } of parts) {
    if (extension === "" && !isFromStressTest(path)) {
      throw new CommandFailure(`${path} is there and not from a stress test: choose another --filename`, BAD_USAGE);
    }
  }
  const isOfStress = (log: string, name: string) => parseCursor(log, name)?.startsWith(STRESS_STREAM) === true;
  const cursors = isThere ? pathsOf(fs, file, isOfStress) : [];
  for (const path of [...parts.map(({ path }) => path), ...cursors]) fs.unlink(path);
}

function isFromStressTest(path: string): boolean {
  const start = readUpTo(systemEnvironment().fs, path, 1024);
  return start.length === 0 || /^.{0,4}w\d+-\d+-/.test(start.toString("latin1").replaceAll("\0", ""));
}

/** As the handler understands it. */
function namingOf(file: string, options: HandlerOptions): BackupNaming {
  return makeHandler(file, options).toJSON() as BackupNaming;
}

/** Before anything is started: are the options right, and can the file be written? */
function tryOut(file: string, options: HandlerOptions): void {
  const handler = makeHandler(file, options);
  handler.open();
  handler.close();
}

function describe(flags: Flags, options: HandlerOptions, stream: string | undefined): string {
  const { useGzip, compression = useGzip ? "gzip" : "none" } = options;
  return (
    `${counted(flags.numProcesses, "writer")} (${flags.writers}) x ${counted(flags.logCalls, "record")}, ` +
    (stream === undefined ? "" : `through the stream ${stream} on ${flags.nats}, `) +
    (isTimed(options) ? `every ${options.interval ?? 1} ${options.when}, ` : "") +
    `maxBytes ${options.maxBytes}, backupCount ${options.backupCount}, compression ${compression}`
  );
}

function report(
  verdict: Verdict,
  run: Run,
  expected: number,
  isGood: boolean,
  log: string | undefined,
  stream: string | undefined,
): string {
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
    ...(log === undefined ? [] : [`  the log is ${printable(log)}`]),
    ...(stream === undefined ? [] : [`  the stream is ${stream}: delete it when it was looked at`]),
  ].join("\n");
}

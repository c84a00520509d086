import { EventEmitter } from "node:events";
import { dirname } from "node:path";
import { Command } from "commander";
import { News } from "../../events/event-queue.js";
import type { HandlerEvents } from "../../events/handler-events.js";
import { tracer } from "../../events/trace.js";
import { type HandlerOptions, isTimed } from "../../handler/create-handler.js";
import { type LogFile, listLogFiles } from "../../log-files/list-files.js";
import { resolveRotatingOptions, resolveTimedOptions } from "../../options/resolve-options.js";
import type { FileSystem } from "../../platform/file-system.js";
import { blockReader } from "../../reading/read-log.js";
import { textOptions } from "../../reading/records/line-format.js";
import { LogWriter } from "../../writer/log-writer.js";
import { lockDirectoryLeft, type SettingsLeft, unknownNames } from "../../writer/settings-file.js";
import { BAD_RESULT, BAD_USAGE, CommandFailure } from "../terminal/exit.js";
import { addHandlerFlags, handlerOptions } from "../terminal/handler-flags.js";
import { complain, jsonLine, printable } from "../terminal/printable.js";
import { type Progress, showProgress } from "../terminal/progress.js";
import { SweepProgress } from "../terminal/sweep-progress.js";

const LOOK_EVERY = 200;

interface Flags extends Record<string, unknown> {
  readonly json?: true;
  readonly lockFileDirectory?: string;
}

export function rotateCommand(): Command {
  const command = new Command("rotate")
    .description("Rotate a log now, under the lock of its writers, and compress and prune its backups as they do.")
    .argument("<file>", "the log");
  return addSettings(command)
    .addHelpText("after", "\nExamples:\n  clh rotate app.log\n  clh rotate app.log --backup-count 5 --gzip")
    .action((file: string, flags: Flags) => run(file, flags, rotate));
}

export function sweepCommand(): Command {
  const command = new Command("sweep")
    .description("Finish what writers have left: merge spills, compress what waits, delete backups beyond the limits.")
    .argument("<file>", "the log");
  return addSettings(command)
    .addHelpText(
      "after",
      "\nExamples:\n  clh sweep app.log\n  clh sweep app.log --max-age 14d --max-total-bytes 2GiB --gzip",
    )
    .action((file: string, flags: Flags) => run(file, flags, (writer) => writer.open()));
}

function addSettings(command: Command): Command {
  return addHandlerFlags(command.option("--json", "print what was done as JSON")).addHelpText(
    "after",
    "\nSettings that are not given are those which the writers have left beside the log.",
  );
}

function rotate(writer: LogWriter): void {
  writer.open();
  writer.rotate();
}

/** What was done, each with its path. */
type Deed = readonly [what: "rotated" | "compressed" | "removed" | "recovered", path: string];

async function run(file: string, flags: Flags, act: (writer: LogWriter) => void): Promise<void> {
  const { lockFileDirectory } = flags;
  const { environment, log, lockPath, left } = blockReader(file, { ...(lockFileDirectory && { lockFileDirectory }) });
  const files = environment.fs.exists(dirname(log)) ? listLogFiles(environment.fs, log) : [];
  if (files.length === 0) throw new CommandFailure(`There is no log ${log}, nor a backup of one`, BAD_USAGE);
  const unfound = unknownNames(log, left);
  if (unfound !== undefined) throw new CommandFailure(`${unfound.message} Only its writers can rotate it.`, BAD_USAGE);
  const isKnown = lockFileDirectory !== undefined || lockDirectoryLeft(left) === undefined;
  if (!isKnown && !environment.fs.exists(lockPath)) {
    const message = `the writers of ${log} lock ${lockPath}, which is not there`;
    throw new CommandFailure(`${message}. Say where their lock file is with --lock-file-directory.`, BAD_USAGE);
  }
  const options = { ...asTheOwner(files), ...leftOptions(left?.settings), ...handlerOptions(flags) } as HandlerOptions;
  if (!("when" in options) && flags.backupCount === undefined && !options.backupCount && !limitsAge(options)) {
    const why = left === undefined ? "nobody has left the settings of" : "no backups are kept by the writers of";
    const message = `${why} ${log}: a rotation would delete its records. Say how many are kept with --backup-count`;
    throw new CommandFailure(`${message} (0 deletes them).`, BAD_USAGE);
  }
  const resolve = isTimed(options) ? resolveTimedOptions : resolveRotatingOptions;
  const events = new EventEmitter<HandlerEvents>();
  const resolved = resolve(log, options, environment.fs);
  const writer = new LogWriter(resolved, environment, new News(events, tracer(resolved.debug)), {
    leavesSettings: false, // no writer of the log obeys the settings of one command
  });
  const deeds: Deed[] = [];
  events.on("rotated", ({ to }) => deeds.push(["rotated", to ?? "(not kept)"]));
  for (const what of ["compressed", "removed", "recovered"] as const) {
    events.on(what, ({ path }) => deeds.push([what, path]));
  }
  const failures: string[] = [];
  events.on("error", ({ message }) => failures.push(message));
  events.on("warning", ({ message }) => complain(message));
  act(writer);
  const stopProgress = showSweep(environment.fs, log, flags.json === true);
  try {
    writer.close();
    await writer.whenSwept();
  } finally {
    stopProgress();
  }
  const done = deeds.map(([what, path]) => ({ what, path }));
  if (flags.json) process.stdout.write(jsonLine({ log, done, failures }));
  else
    process.stdout.write(
      done.length === 0 ? "nothing to do\n" : done.map((deed) => `${deed.what} ${printable(deed.path)}\n`).join(""),
    );
  for (const failure of failures) complain(failure);
  if (failures.length > 0) process.exitCode = BAD_RESULT;
}

/** Shows how far the compression is, until the returned function is called. */
function showSweep(fs: FileSystem, log: string, isQuiet: boolean): () => void {
  const sweep = new SweepProgress(fs, log);
  if (sweep.total === 0) return () => {};
  let progress: Progress | undefined;
  const timer = setInterval(() => {
    progress ??= showProgress(sweep.total, "bytes", isQuiet);
    const { done, note } = sweep.look();
    progress.update(done, note);
  }, LOOK_EVERY);
  timer.unref();
  return () => {
    clearInterval(timer);
    progress?.stop();
  };
}

function limitsAge({ maxAge, maxTotalBytes }: HandlerOptions): boolean {
  return maxAge != null || maxTotalBytes != null;
}

/** Run by root, new files belong to whom the log belongs: else its writers could not go on. */
function asTheOwner(files: readonly LogFile[]): object {
  const status = files.at(-1)?.status;
  if (process.getuid?.() !== 0 || status === undefined) return {};
  return { owner: [status.uid, status.gid], umask: 0o666 & ~status.mode };
}

/** The options of a handler that has left its settings. */
function leftOptions(left: SettingsLeft["settings"] | undefined): object {
  if (left === undefined) return {};
  const { kind, encoding: _encoding, terminator: _terminator, namer: _namer, ...options } = left;
  return {
    ...(kind === "timed" && { when: "h" }),
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null)),
    ...textOptions(left),
  };
}

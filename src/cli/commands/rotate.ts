import { resolve } from "node:path";
import { Command } from "commander";
import { rotateLog, type SweepResult, sweepLog } from "../../inspection/sweep-log.js";
import { systemEnvironment } from "../../platform/environment.js";
import { BAD_RESULT } from "../terminal/exit.js";
import { addHandlerFlags, handlerOptions } from "../terminal/handler-flags.js";
import { addServerFlags, given, isNats, serverOptions } from "../terminal/nats-flags.js";
import { complain, jsonLine, printable } from "../terminal/printable.js";
import { type Progress, showProgress } from "../terminal/progress.js";
import { SweepProgress } from "../terminal/sweep-progress.js";

const LOOK_EVERY = 200;

interface Flags extends Record<string, unknown> {
  readonly json?: true;
  readonly dryRun?: true;
}

export function rotateCommand(): Command {
  const command = new Command("rotate")
    .description("Rotate a log now, under the lock of its writers, and compress and prune its backups as they do.")
    .argument("<file>", "the log");
  return addSettings(command)
    .addHelpText("after", "\nExamples:\n  clh rotate app.log\n  clh rotate app.log --backup-count 5 --gzip --dry-run")
    .action((file: string, flags: Flags) => run(file, flags, rotateLog));
}

export function sweepCommand(): Command {
  const command = new Command("sweep")
    .description("Finish what writers have left: merge spills, compress what waits, delete backups beyond the limits.")
    .argument("<file>", "the log; or nats://host,host: send what has not come into the stream")
    .option("--stream <name>", "with nats://, the stream")
    .option("--spill-directory <dir>", "with nats://, where writers have left records")
    .option("--timeout <time>", 'with nats://, how long to try without a step forward, such as "10s"');
  return addSettings(addServerFlags(command))
    .addHelpText(
      "after",
      "\nExamples:\n  clh sweep app.log\n  clh sweep app.log --max-age 14d --max-total-bytes 2GiB --gzip" +
        "\n  clh sweep nats://log1,log2,log3 --stream logs --creds writer.creds",
    )
    .action((file: string, flags: Flags) => (isNats(file) ? sweepNats(file, flags) : run(file, flags, sweepLog)));
}

function addSettings(command: Command): Command {
  const own = command
    .option("--dry-run", "only say what would be done, in order; nothing is touched")
    .option("--json", "print what was done as JSON");
  return addHandlerFlags(own).addHelpText(
    "after",
    "\nSettings that are not given are those which the writers have left beside the log.",
  );
}

async function run(file: string, flags: Flags, act: typeof sweepLog): Promise<void> {
  const { json, dryRun } = flags;
  const stopProgress = showSweep(file, json === true || dryRun === true); // which looks at what is on the disk
  let result: SweepResult;
  try {
    result = await act(file, { ...handlerOptions(flags), dryRun });
  } finally {
    stopProgress();
  }
  const { log, done, failures, warnings } = result;
  for (const { message } of warnings) complain(message);
  const would = dryRun ? "would be " : "";
  if (json) process.stdout.write(jsonLine({ log, dryRun, done, failures: failures.map(({ message }) => message) }));
  else
    process.stdout.write(
      done.length === 0
        ? "nothing to do\n"
        : done.map(({ what, path }) => `${would}${what} ${printable(path)}\n`).join(""),
    );
  for (const { message } of failures) complain(message);
  if (failures.length > 0) process.exitCode = BAD_RESULT;
}

async function sweepNats(servers: string, flags: Flags): Promise<void> {
  const { resolveNatsOptions } = await import("../../nats/resolve-nats-options.js");
  const { sweepSpools } = await import("../../nats/sweep-spools.js");
  const { stream, spillDirectory, timeout } = flags;
  const options = resolveNatsOptions({
    ...serverOptions(servers, flags),
    ...given({ stream, spillDirectory, timeout }),
  });
  const { sent, failures } = await sweepSpools(options, systemEnvironment());
  if (flags.json)
    process.stdout.write(jsonLine({ stream: options.stream, sent, failures: failures.map(({ message }) => message) }));
  else process.stdout.write(sent === 0 ? "nothing was sent\n" : `sent ${sent} records\n`);
  for (const { message } of failures) complain(message);
  if (failures.length > 0) process.exitCode = BAD_RESULT;
}

/** Shows how far the compression is, until the returned function is called. */
function showSweep(file: string, isQuiet: boolean): () => void {
  let sweep: SweepProgress | undefined;
  let progress: Progress | undefined;
  const timer = setInterval(() => {
    const now = sweep ?? new SweepProgress(systemEnvironment().fs, resolve(file));
    if (now.total === 0) return; // nothing waits yet
    sweep = now;
    progress ??= showProgress(now.total, "bytes", isQuiet);
    const { done, note } = now.look();
    progress.update(done, note);
  }, LOOK_EVERY);
  timer.unref();
  return () => {
    clearInterval(timer);
    progress?.stop();
  };
}

import { dirname, resolve } from "node:path";
import { Command } from "commander";
import { reason } from "../../base/system-errors.js";
import { parseDuration } from "../../options/parsers.js";
import { systemEnvironment } from "../../platform/environment.js";
import { flushAtExit, forget } from "../../platform/exit-hooks.js";
import { FilePath, FileStatus, makeTemporaryDirectory, removeTree } from "../../platform/file-system.js";
import { adviceFor, lostHost } from "../doctor/advice.js";
import { type CheckResult, runChecks } from "../doctor/checks.js";
import { type KindOfFileSystem, recognise } from "../doctor/file-system.js";
import { heldLocks } from "../doctor/held-locks.js";
import { tryWithPeer } from "../doctor/peer.js";
import { NobodyCame } from "../doctor/peer-channel.js";
import { timeOfSync } from "../doctor/probe.js";
import { colours } from "../terminal/colours.js";
import { BAD_RESULT, BAD_USAGE, CommandFailure } from "../terminal/exit.js";
import { addServerFlags, given, isNats, serverOptions } from "../terminal/nats-flags.js";
import { jsonLine, printable } from "../terminal/printable.js";
import { type Progress, showProgress } from "../terminal/progress.js";

interface Flags extends Record<string, unknown> {
  readonly peer?: true;
  readonly wait: string;
  readonly json?: true;
}

export function doctorCommand(): Command {
  const command = new Command("doctor")
    .description("Find out whether locking, appending and renaming work in a directory, and which options it needs.")
    .argument("<dir>", "where logs are to be; or nats://host,host, the servers of a stream")
    .option("--peer", "together with the same command on another host, on the same share")
    .option("--wait <time>", "with --peer, how long to wait for the other host", "5m")
    .option("--json", "print the result as JSON")
    .option("--stream <name>", "with nats://, the stream")
    .option("--subject <subject>", 'with nats://, the subject of a writer; without it, "clh.<stream>"');
  return addServerFlags(command)
    .addHelpText(
      "after",
      "\nExamples:\n  clh doctor /var/log/app\n  clh doctor /mnt/share/logs --peer   (on both hosts)" +
        "\n  clh doctor nats://log1,log2,log3 --stream logs --creds collector.creds",
    )
    .action((place: string, flags: Flags) => (isNats(place) ? doctorOfNats(place, flags) : doctor(place, flags)));
}

async function doctor(dir: string, { peer, wait, json }: Flags): Promise<void> {
  const environment = systemEnvironment();
  const directory = resolve(dir);
  const patience = parseDuration(wait);
  if (patience === undefined) throw new CommandFailure('--wait must be a time such as "5m"', BAD_USAGE);
  let place = "";
  // Before it is made; and the processes that work in it are killed first.
  const removal = { flushSync: () => {}, afterAll: () => void (place && removeTree(place)) };
  flushAtExit(removal);
  const checks: CheckResult[] = [];
  let syncTime = 0;
  let progress: Progress | undefined;
  try {
    place = makePlace(directory);
    const onCheck = (what: string, index: number, count: number) => {
      progress ??= showProgress(count, "checks", json === true);
      progress.update(index, what);
    };
    checks.push(...(await runChecks(environment, place, onCheck)));
    if (checks.every(({ ok }) => ok)) syncTime = timeOfSync(environment, place);
  } finally {
    progress?.stop();
    if (place !== "") removeTree(place);
    forget(removal);
  }
  let absent: string | undefined;
  const kind = recognise(environment.fs, directory);
  if (peer) {
    try {
      checks.push(...(await tryWithPeer(environment, directory, { patience, onStep: (what) => tell(what, json) })));
    } catch (error) {
      if (error instanceof CommandFailure) throw error;
      if (error instanceof NobodyCame) absent = error.message;
      else checks.push({ what: "the test with the other host came to its end", ok: false, why: reason(error) });
    }
  }
  const advice = adviceFor({ kind, checks, isPeer: peer === true, syncTime });
  if (checks.every(({ ok }) => ok)) advice.push(...heldLocks(environment, directory, lostHost(kind.server)));
  if (absent !== undefined) advice.push(`Start clh doctor --peer on the other host while this one waits: ${absent}.`);
  // Whether hosts keep locks of SMB to themselves, its server decides as well: two hosts have tried that.
  const mayWrite = kind.whyUnsafe === undefined || (peer === true && kind.server === "smb");
  const isSafe = checks.every((check) => check.ok) && mayWrite;
  const ok = isSafe && absent === undefined;
  process.stdout.write(
    json
      ? jsonLine({ ok, directory, fileSystem: kind, checks, advice })
      : report(directory, kind, checks, advice, ok ? "safe" : isSafe ? "unknown" : "unsafe"),
  );
  if (!ok) process.exitCode = BAD_RESULT;
}

async function doctorOfNats(servers: string, flags: Flags): Promise<void> {
  const { resolveNatsOptions } = await import("../../nats/resolve-nats-options.js");
  const { examine } = await import("../../nats/examine.js");
  const { stream, subject } = flags;
  const options = resolveNatsOptions({ ...serverOptions(servers, flags), ...given({ stream, subject }) });
  const { fs, clock } = systemEnvironment();
  const checks = await examine(options, fs, clock);
  const ok = checks.every((check) => check.ok);
  const { green, red, bold } = colours(process.stdout);
  const lines = [
    bold(printable(servers)),
    ...checks.map(
      (check) =>
        `  ${check.ok ? green("yes") : red("NO ")}  ${check.what}${check.ok ? "" : `: ${printable(check.why ?? "")}`}`,
    ),
    ok ? green("Records are safe here.") : red("This is to be mended first."),
  ];
  process.stdout.write(flags.json ? jsonLine({ ok, stream: options.stream, checks }) : `${lines.join("\n")}\n`);
  if (!ok) process.exitCode = BAD_RESULT;
}

function tell(what: string, json: boolean | undefined): void {
  if (!json) process.stderr.write(`… ${what}\n`);
}

/** A directory of its own in the one that is asked about. */
function makePlace(directory: string): string {
  const { fs } = systemEnvironment();
  const status = new FileStatus();
  try {
    if (!fs.status(new FilePath(directory), status)) throw new Error("there is no such directory");
    if (status.isFile)
      throw new Error(
        `it is a file. Name the directory that it is in: clh doctor ${dirname(directory)}. Who has it: clh status ${directory}`,
      );
    return makeTemporaryDirectory(directory);
  } catch (error) {
    throw new CommandFailure(`Cannot try ${directory}: ${reason(error)}`, BAD_USAGE);
  }
}

function report(
  directory: string,
  kind: KindOfFileSystem,
  checks: readonly CheckResult[],
  advice: readonly string[],
  verdict: "safe" | "unsafe" | "unknown",
): string {
  const { green, red, yellow, bold } = colours(process.stdout);
  const verdicts = {
    safe: green("Logs are safe here."),
    unsafe: red("Logs are not safe here."),
    unknown: yellow("Logs of one host are safe here; of several, nobody knows yet."),
  };
  return `${[
    `${bold(printable(directory))}: ${kind.type} (${kind.kind}${kind.isSynced ? ", synced with other machines" : ""}), mounted at ${printable(kind.mountPoint)}`,
    ...checks.map(
      (check) =>
        `  ${check.ok ? green("yes") : red("NO ")}  ${check.what}${check.ok ? "" : `: ${printable(check.why ?? "")}`}`,
    ),
    ...(kind.whyUnsafe === undefined ? [] : [`  ${red("NO ")}  several hosts may write here: ${kind.whyUnsafe}`]),
    verdicts[verdict],
    ...advice.map((sentence) => `${yellow("-")} ${printable(sentence)}`),
  ].join("\n")}\n`;
}

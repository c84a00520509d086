import { Command, Option } from "commander";
import { parseSize } from "../../options/parsers.js";
import { systemEnvironment } from "../../platform/environment.js";
import { BAD_RESULT, BAD_USAGE, CommandFailure } from "../terminal/exit.js";
import { addServerFlags, given, serverOptions } from "../terminal/nats-flags.js";
import { jsonLine, printable } from "../terminal/printable.js";

interface SetupFlags extends Record<string, unknown> {
  readonly stream: string;
  readonly subjects?: string;
  readonly replicas: string;
  readonly maxBytes: string;
  readonly json?: true;
}

export function natsCommand(): Command {
  const setup = new Command("setup")
    .description(
      "Make a stream for records, or say what is wrong with the one that is there. For an administrator, once.",
    )
    .argument("<servers>", "nats://host,host or tls://host,host")
    .requiredOption("--stream <name>", "the stream")
    .option("--subjects <patterns>", 'what it takes, with commas; without it, "clh.<stream>.>"')
    .addOption(new Option("--replicas <n>", "servers that have each record").choices(["1", "3", "5"]).default("3"))
    .option("--max-bytes <size>", "bytes of all records that no collector has fetched", "10GiB")
    .option("--json", "print the result as JSON");
  addServerFlags(setup)
    .addHelpText(
      "after",
      "\nExamples:\n  clh nats setup nats://log1,log2,log3 --stream logs --creds admin.creds" +
        "\n  clh nats setup nats://localhost --stream logs --replicas 1 --max-bytes 1GiB",
    )
    .action(setUp);
  return new Command("nats").description("Prepare servers of NATS for logs that many hosts write.").addCommand(setup);
}

async function setUp(target: string, flags: SetupFlags): Promise<void> {
  const { resolveNatsOptions } = await import("../../nats/resolve-nats-options.js");
  const { checkStream, findStream, makeStream, withStreams } = await import("../../nats/stream-check.js");
  const { stream, servers } = resolveNatsOptions({
    ...serverOptions(target, flags),
    ...given({ stream: flags.stream }),
  });
  const maxBytes = parseSize(flags.maxBytes);
  if (maxBytes === undefined || maxBytes === 0)
    throw new CommandFailure('--max-bytes must be a size such as "10GiB"', BAD_USAGE);
  const subjects = flags.subjects?.split(",") ?? [`clh.${stream}.>`];
  const plan = { stream, subjects, replicas: Number(flags.replicas), maxBytes };
  const { fs } = systemEnvironment();
  const { isMade, config } = await withStreams(fs, servers, stream, "Cannot set up a stream", async (manager) => {
    const found = await findStream(manager, stream);
    if (found !== undefined) return { isMade: false, config: found.config };
    await makeStream(manager, plan);
    return { isMade: true, config: (await manager.streams.info(stream)).config };
  });
  // An administrator who asks for one or two servers knows what that means.
  const findings = checkStream(config, undefined).filter(
    ({ what }) => plan.replicas >= 3 || !what.startsWith("three servers"),
  );
  const wrong = findings.filter(({ ok }) => !ok);
  if (flags.json) process.stdout.write(jsonLine({ stream, made: isMade, ok: wrong.length === 0, findings }));
  else {
    process.stdout.write(
      isMade ? `made stream ${stream}: ${subjects.join(", ")}\n` : `stream ${stream} is there already\n`,
    );
    for (const { what, why } of wrong) process.stdout.write(`  NO  ${what}: ${printable(why ?? "")}\n`);
  }
  if (wrong.length > 0) process.exitCode = BAD_RESULT;
}

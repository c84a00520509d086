import { Command } from "commander";
import type { LogFileError } from "../../base/errors.js";
import type { CollectOptions } from "../../nats/collect/collect-options.js";
import { BAD_RESULT } from "../terminal/exit.js";
import { addHandlerFlags, handlerOptions, withFlags } from "../terminal/handler-flags.js";
import { addServerFlags, serverOptions } from "../terminal/nats-flags.js";
import { complain } from "../terminal/printable.js";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

interface Flags extends Record<string, unknown> {
  readonly stream: string;
  readonly keep?: string;
  readonly check?: true;
}

export function collectCommand(): Command {
  const command = new Command("collect")
    .description(
      "Bring the records of many hosts from a stream of NATS JetStream into one log, each once, until SIGTERM. Of several for one log, one works and the next one takes over.",
    )
    .argument("<servers>", "of NATS, such as nats://log1,log2,log3")
    .argument("<file>", "the log")
    .requiredOption("--stream <name>", "the stream")
    .option("--keep <time>", "leave messages in the stream for so long, for others, e.g. 24h, or forever")
    .option("--check", "exit with 1 if records that the stream had acknowledged are missing in it");
  return addHandlerFlags(addServerFlags(command))
    .addHelpText(
      "after",
      "\nExamples:" +
        "\n  clh collect nats://log1,log2,log3 --stream logs all.log --max-bytes 100MiB --backup-count 50 --gzip" +
        "\n  clh collect tls://log1 --stream logs all.log --when midnight --max-age 14d --creds collector.creds --check",
    )
    .action(run);
}

async function run(servers: string, file: string, flags: Flags): Promise<void> {
  const { collect } = await import("../../nats/collect/collection.js");
  const collection = collect(file, optionsOf(servers, flags));
  const tell = ({ message }: LogFileError) => complain(withFlags(message));
  collection.on("warning", tell);
  collection.on("error", tell);
  for (const signal of SIGNALS) process.on(signal, () => collection.end());
  const { gaps } = await collection.done;
  if (flags.check === true && gaps > 0) process.exitCode = BAD_RESULT;
  process.exit(); // what the client of NATS may still wait for is of no use any more
}

function optionsOf(servers: string, flags: Flags): CollectOptions {
  const { stream, keep } = flags;
  return {
    ...handlerOptions(flags),
    nats: { ...serverOptions(servers, flags), servers, stream },
    ...(keep !== undefined && { keep: keep === "forever" ? Number.POSITIVE_INFINITY : keep }),
  };
}

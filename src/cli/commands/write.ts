import { Command } from "commander";
import { LogFileError } from "../../base/errors.js";
import { hasCode } from "../../base/system-errors.js";
import { makeHandler } from "../../handler/create-handler.js";
import type { ConcurrentFileHandler } from "../../handler/file-handler.js";
import { makeNatsHandler } from "../../nats/late.js";
import type { NatsHandler } from "../../nats/nats-handler.js";
import { isPlainUtf8 } from "../../records/encodings.js";
import { LineSplitter } from "../../records/line-splitter.js";
import { BAD_RESULT, BAD_USAGE, CommandFailure } from "../terminal/exit.js";
import { addHandlerFlags, flagOf, handlerOptions, withFlags } from "../terminal/handler-flags.js";
import { addServerFlags, given, isNats, serverOptions } from "../terminal/nats-flags.js";

// What the sender has put into the pipe before the signal is still written: until it is silent, but not for long.
const SILENCE = 100;
const LAST_WORDS = 1000;

// Those by which terminals, shells and service managers end a program.
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

const CARRIAGE_RETURN = 0x0d;

export function writeCommand(): Command {
  const command = new Command("write")
    .description("Append standard input to a log, line by line. Any number of these may write one log at once.")
    .argument("<file>", "the log; or nats://host,host, for a stream of NATS from which others write one")
    .option("--tee", "copy standard input to standard output as well")
    .option("--stream <name>", "with nats://, the stream")
    .option("--subject <subject>", 'with nats://, the subject; without it, "clh.<stream>"')
    .option("--acknowledge <when>", "with nats://, when a record counts as written: spilled, stored or written")
    .option("--spill-directory <dir>", "with nats://, where records wait that the stream does not take");
  return addHandlerFlags(addServerFlags(command))
    .addHelpText(
      "after",
      "\nExamples:\n  server 2>&1 | clh write server.log --max-bytes 10MiB --backup-count 5 --gzip" +
        "\n  server 2>&1 | clh write server.log --when midnight --time-zone Europe/Berlin --max-age 14d" +
        "\n  server 2>&1 | clh write nats://log1,log2,log3 --stream logs --creds writer.creds",
    )
    .action(run);
}

async function run(file: string, flags: Record<string, unknown>): Promise<void> {
  const handler = isNats(file) ? natsHandler(file, flags) : makeHandler(file, handlerOptions(flags));
  listenTo(handler);
  if ("rotate" in handler) handler.open();
  const input = new Input();
  const tee = flags.tee === true ? teeTo(process.stdout, input) : undefined;
  const toRecord = recordOf(flags.encoding as string | undefined);
  const splitter = new LineSplitter();
  try {
    for await (const chunk of input.chunks()) {
      await tee?.(chunk);
      for (const line of splitter.push(chunk)) await writeSurely(handler, toRecord(line), input);
    }
    for (const line of splitter.end()) await writeSurely(handler, toRecord(line), input);
  } catch (error) {
    process.stdin.destroy(); // else the command stays as long as its sender
    // It has begun: this is no wrong usage any more.
    throw error instanceof LogFileError ? new CommandFailure(error.message, BAD_RESULT) : error;
  }
  if ("swept" in handler) {
    handler.close();
    await handler.swept();
  } else await finish(handler);
  if (input.isEnding) process.exit(); // Deno goes on reading a standard input that was destroyed, and stays
}

/** Options of files and their rotation are refused by name, as by the handler. */
function natsHandler(servers: string, flags: Record<string, unknown>): NatsHandler {
  const { stream, subject, acknowledge, spillDirectory } = flags;
  const ofFile = Object.keys(handlerOptions(flags)).filter((name) => name !== "when" || flags.when !== undefined);
  if (ofFile[0] !== undefined)
    throw new CommandFailure(`${flagOf(ofFile[0])} is of a file: give it to the collector, clh collect`, BAD_USAGE);
  return makeNatsHandler({
    ...serverOptions(servers, flags),
    ...given({ stream, subject, acknowledge, spillDirectory }),
  });
}

/** Waits until all is acknowledged, or on this disk; what is there is for the next writer, or for clh sweep. */
async function finish(handler: NatsHandler): Promise<void> {
  try {
    await handler.flush();
  } catch (error) {
    throw new CommandFailure((error as Error).message, BAD_RESULT);
  } finally {
    handler.close();
  }
}

/** Tells what the handler tells. When a record was dropped, the command has failed, whatever comes after. */
function listenTo(handler: ConcurrentFileHandler | NatsHandler): void {
  const tell = ({ message }: LogFileError) => void process.stderr.write(`clh: ${withFlags(message)}\n`);
  handler.on("warning", tell);
  handler.on("error", tell);
  handler.on("drop", () => {
    process.exitCode = BAD_RESULT;
  });
}

/**
 * Lines go into a UTF-8 log byte by byte, valid or not; into any other log as the text that they are. On Windows, "\r\n"
 * ends a line, and is what the handler ends it with again.
 */
function recordOf(encoding = "utf-8"): (line: Buffer) => Buffer | string {
  const bare = (line: Buffer) =>
    process.platform === "win32" && line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
  return isPlainUtf8(encoding) ? bare : (line) => bare(line).toString("utf8");
}

/** Does not read on while a record is not in the file: the sender waits, and nothing is dropped. */
async function writeSurely(
  handler: ConcurrentFileHandler | NatsHandler,
  record: Buffer | string,
  input: Input,
): Promise<void> {
  if (handler.write(record)) return;
  while (handler.stats().pending > 0) {
    try {
      await handler.flush();
    } catch (error) {
      if (input.isEnding) throw new CommandFailure((error as Error).message, BAD_RESULT);
    }
  }
}

/** Standard input, until it ends or a signal comes. */
class Input {
  #timers: NodeJS.Timeout[] = [];
  #isStopped = false;
  /** Ends the read that is under way: to destroy the stream ends none in Deno. */
  #endRead = () => {};

  get isEnding(): boolean {
    return this.#timers.length > 0;
  }

  async *chunks(): AsyncGenerator<Buffer> {
    for (const signal of SIGNALS) process.on(signal, () => this.end());
    const chunks = process.stdin[Symbol.asyncIterator]();
    while (!this.#isStopped) {
      const chunk = await this.#read(chunks);
      if (chunk === undefined) break;
      this.#timers[0]?.refresh();
      yield chunk;
    }
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** Ends it soon; at once when asked a second time. */
  end(): void {
    const stop = () => {
      this.#isStopped = true;
      this.#endRead();
      process.stdin.destroy();
    };
    if (this.isEnding) stop();
    else this.#timers = [setTimeout(stop, SILENCE), setTimeout(stop, LAST_WORDS)];
  }

  #read(chunks: AsyncIterator<Buffer>): Promise<Buffer | undefined> {
    return new Promise((resolve, reject) => {
      this.#endRead = () => resolve(undefined);
      chunks.next().then(({ value, done }) => resolve(done === true ? undefined : value), reject);
    });
  }
}

function teeTo(output: NodeJS.WriteStream, input: Input): (chunk: Buffer) => Promise<void> {
  let isOpen = true;
  output.on("error", (error) => {
    isOpen = false;
    if (hasCode(error, "EPIPE")) input.end(); // nobody reads it any more
  });
  return async (chunk) => {
    if (isOpen) await new Promise((resolve) => output.write(chunk, resolve));
  };
}

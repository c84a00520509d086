import { basename } from "node:path";
import { hasCode } from "../../base/system-errors.js";
import type { ArchivedBackup, OnArchived } from "../../options/options.js";
import { refused } from "../../options/validation.js";

const VALUES: Readonly<Record<string, (backup: ArchivedBackup) => string | Promise<string>>> = {
  path: ({ path }) => path,
  name: ({ path }) => basename(path),
  bytes: ({ bytes }) => String(bytes),
  period: ({ period = "" }) => period,
  sha256: (backup) => backup.sha256(),
  records: async (backup) => String(await backup.records()),
};
const NAMES = Object.keys(VALUES).map((name) => `{${name}}`);
const IN_BRACES = /\{([a-z]\w*)\}/gi;
const PART = /(?:[^\s"']|"[^"]*"|'[^']*')+/g;

/**
 * The hook that runs a command, without a shell. Blanks part its arguments; what is between quotes, single or double, is
 * taken as it is, but for names in braces. A command that does not name `{path}` has the file on its standard input.
 * @throws {LogFileError} `ERR_CLH_OPTION`
 */
export function commandHook(command: string): OnArchived {
  const refuse = (expected: string) => refused("onArchived", command, expected);
  if (command.replace(PART, "").trim() !== "") throw refuse("a command whose quotes are closed");
  const parts = (command.match(PART) ?? []).map((part) => part.replace(/(["'])(.*?)\1/gs, "$2"));
  if ((parts[0] ?? "") === "") throw refuse('a command, such as "sha256sum {path}"');
  for (const [found, name] of parts.join(" ").matchAll(IN_BRACES)) {
    if (!Object.hasOwn(VALUES, name!))
      throw refuse(`a command with none but ${NAMES.join(", ")} in braces, not ${found}`);
  }
  return (backup) => run(parts, backup);
}

async function run(parts: readonly string[], backup: ArchivedBackup): Promise<void> {
  const { spawn } = await import("node:child_process");
  const { pipeline } = await import("node:stream/promises");
  const [program, ...args] = await Promise.all(parts.map((part) => filled(part, backup)));
  const isRead = parts.some((part) => part.includes("{path}"));
  // Standard output may be that of records (clh write --tee), or of JSON.
  const child = spawn(program!, args, { stdio: [isRead ? "ignore" : "pipe", 2, 2], signal: backup.signal });
  const ended = new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ended with ${signal ?? `exit code ${code}`}`));
    });
  });
  const fed = child.stdin && pipeline(backup.stream(), child.stdin).catch(forgiveClosed);
  await Promise.all([ended, fed]);
}

/** A command that does not read all of its input says by its exit code whether that was right. */
function forgiveClosed(error: unknown): void {
  if (!hasCode(error, "EPIPE", "ECONNRESET", "ERR_STREAM_PREMATURE_CLOSE")) throw error;
}

/** In one pass: what stands for a name is no place for further names. */
async function filled(part: string, backup: ArchivedBackup): Promise<string> {
  const values = new Map<string, string>();
  for (const [, name] of part.matchAll(IN_BRACES)) values.set(name!, await VALUES[name!]!(backup));
  return part.replace(IN_BRACES, (_, name: string) => values.get(name)!);
}

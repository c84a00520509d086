// Writes docs/reference/cli.md from the help of the command: npm run build && node scripts/cli-reference.mjs
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";

const help = (...args) => execFileSync(process.execPath, ["dist/cli/main.js", ...args, "--help"], { encoding: "utf8" });
const block = (...args) => `\`\`\`text\n$ clh ${[...args, "--help"].join(" ")}\n${help(...args)}\`\`\`\n`;

writeFileSync(
  "docs/reference/cli.md",
  `# The command \`clh\`

${block()}
## write

Standard input is appended line by line; a last line without a line feed is a line too. In a UTF-8 log the bytes are kept as they are, valid or not. While a record cannot be
written (a full disk, a lock that is held), nothing is read: the sender waits, and nothing is dropped. A line of more than 64 MiB is written in pieces.

It ends when its input ends, or after SIGINT, SIGTERM, or when nobody reads what it tees: then it still writes what is in the pipe already, for at most a second.
With \`--gzip\` it stays until what it has rotated is compressed.

${block("write")}
## stress

Starts writers, lets them write records with their name, a number and a checksum, and then reads all files of the log. The verdict is good, and the exit code 0, only if every record is there exactly
once, whole, and behind the earlier ones of its writer. Records that went with backups which \`--backup-count\` did not keep are told apart from missing ones.
\`--fail\` breaks the handler on purpose; then the exit code must be 1.

A log that is already there is replaced if it is from an earlier stress test, and not touched otherwise.

${block("stress")}`,
);

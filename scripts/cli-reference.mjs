// Writes docs/reference/cli.md from the help of the command: npm run build && node scripts/cli-reference.mjs
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";

const help = (...args) => execFileSync(process.execPath, ["dist/cli.js", ...args, "--help"], { encoding: "utf8" });
const block = (...args) => `\`\`\`text\n$ clh ${[...args, "--help"].join(" ")}\n${help(...args)}\`\`\`\n`;

writeFileSync(
  "docs/reference/cli.md",
  `# The command \`clh\`

${block()}
Long commands show a bar on a terminal and a line every two seconds elsewhere, on standard error, unless they print JSON. Colours are for terminals only, and not with \`NO_COLOR\`.

Exit codes:

- 0: done, and the result is good.
- 1: done, but the result is bad: a problem was found, a file could not be read, something failed. The output or standard error says what.
- 2: wrong usage, or it cannot start; nothing was done. One line on standard error says why.

## write

Standard input is appended line by line; a last line without a line feed is a line too. In a UTF-8 log the bytes are kept as they are, valid or not. While a record cannot be
written (a full disk, a lock that is held), nothing is read: the sender waits, and nothing is dropped. A line of more than 64 MiB is written in pieces.

It ends when its input ends, or after SIGINT, SIGTERM, or when nobody reads what it tees: then it still writes what is in the pipe already, for at most a second.
With \`--gzip\` it stays until what it has rotated is compressed.

With \`nats://\` lines go to a stream of NATS, for a log that many hosts write; [its handler](nats-handler.md) has the same options. It ends when all is acknowledged, or on this disk: then the next writer sends it, or \`clh sweep\`.

${block("write")}
## read

Prints the records of all files of a log, decompressed, from the oldest to the newest: backups, files that wait to be compressed, the active file, and at the end records that still wait beside it for the lock. Writers may go on
writing and rotating: what is printed is the log as it was when the command began, and of the active file what it held when that was reached, each record once. Nothing is written, and no lock is taken unless rotations follow each other so
quickly that the files cannot be listed in between; then it is held for one look at the directory.

A file that cannot be read, or not to its end, is told in a line on standard error; the rest is printed, and the exit code is 1. The time of a record, for \`--since\` and \`--until\`, is what the record itself says: an ISO 8601 date, without a zone
a local one, or in JSON the key \`time\`, \`timestamp\`, \`@timestamp\`, \`ts\`, \`date\` or \`datetime\`, also as a number since 1970. A record that says nothing, such as a line of a stack trace, belongs to the one before it. A log in another
encoding is printed as UTF-8. With \`--format json\` each record is an object: \`file\`, \`offset\` (bytes before it in that file, decompressed), \`text\`, and \`"isWhole": false\` for a record that its writer could not finish.

${block("read")}
## follow

As \`tail -F\`, but no record is missed when the file is rotated, several times or compressed in between. The log is looked at fifty times a second, so that it works on every file system; a record is printed when it is whole. The log may be moved, deleted, made
again, or yet to be made. Only what retention deletes before it was seen is lost, and with \`--backup-count 0\`, which keeps nothing, each rotation may do that; where it can be noticed, a line on standard error says so.

It ends with Ctrl-C, or when nobody reads it any more.

${block("follow")}
## verify

Reads all files of a log, as \`clh read\` does, and says what is wrong: files that cannot be read (an archive is decompressed to its end, and its checksum compared), files that end within a record, NUL bytes, gaps in the numbers of backups or in the counters
of a period, files and backups beyond the limits, and what was left half-way by processes that are gone. The limits are those which the writers have left beside the log, or the flags. On Linux, /proc/locks tells whether a process is still at it; no
lock is taken.

With \`--writer-sequence\`, numbers in the records show which are missing, duplicated or behind a later one of the same writer. The groups \`writer\` and \`seq\` of the pattern are the writer and its number; without such names, the last two groups
are. A writer that begins anew with the same name and number counts as one that repeats itself: put something into its name, such as the pid. What retention has deleted is not missing: a writer begins with its first number that is there.

The exit code is 0 when there is no problem; notes, such as a file that is just being compressed, do not count. \`--json\` gives \`ok\`, \`records\`, \`bytes\`, \`files\`, \`findings\` (\`severity\`, \`kind\`, \`path\`, \`message\`) and \`writers\`.

${block("verify")}
## status

Takes no lock and disturbs nobody: who holds the lock, and which processes have the file open for writing, is read from /proc (Linux; elsewhere it is not known), as far as this user may see it. The settings are those which a handler has left beside the log, with the
process that left them; the other writers were compared with these when they began, and warned (\`ERR_CLH_SETTINGS\`). The time of the next rotation is that in the lock file. Lines with \`!\` say what is not as these settings demand.

${block("status")}
## doctor

Tries in a directory of its own below \`DIR\`, with several processes, what the handlers rely on: that a lock keeps others out and is free when its holder is killed, that appends stay whole, that a file keeps its identity under a rename, and so on. It says what kind of
file system it is (Linux), and what to do there: memory and containers, whose files go; FUSE; network file systems; folders that a program copies to other machines; mounts that are known to keep locks to their own host (sshfs, NFS with \`nolock\` or
\`local_lock\`).

Whether locks work between hosts, one host alone cannot tell. With \`--peer\`, the same command on two hosts meets in the share (\`.clh-doctor-peer\`, deleted afterwards): one holds the lock while the other asks for it, both count under it, and they append in turns.

The exit code is 0 when logs are safe there. \`--json\` gives \`ok\`, \`fileSystem\`, \`checks\` and \`advice\`.

With \`nats://\` the servers and the stream are looked at: their version, what the stream keeps and deletes, replicas, room, the clock, and whether this user may publish. Nothing is changed, and no record is sent.

${block("doctor")}
## rotate

Does what a writer does when a rotation is due: under the same lock, with the settings which the writers have left beside the log, and then compression and retention. A file without records is not rotated. Where nobody has left settings, say how many backups
are kept, since without them a rotation deletes the records. Run by root, new files are given the owner of the log.

${block("rotate")}
## sweep

What the next handler would do: spills of processes that have ended are merged, files that wait are compressed, backups beyond the limits are deleted. A process that is at it already is left alone.
With \`nats://\` it sends the records that such processes have left in the spill directory, and ends when none is left, or after \`--timeout\` without a step forward.
How far the compression is, counts the files that wait, by their sizes; and of the one that is being written, how large it is by now.

${block("sweep")}
## stress

Starts writers, lets them write records with their name, a number and a checksum, and then reads all files of the log. The verdict is good, and the exit code 0, only if every record is there exactly
once, whole, and behind the earlier ones of its writer. Records that went with backups which \`--backup-count\` did not keep are told apart from missing ones.
\`--fail\` breaks the handler on purpose; then the exit code must be 1.

A log that is already there is replaced if it is from an earlier stress test, and not touched otherwise.

${block("stress")}
## nats

\`setup\` makes the stream for logs that many hosts write, with nothing that deletes acknowledged records. A stream that is there already is not changed: what is wrong with it is printed, with the command that mends it, and the exit code is 1.

${block("nats")}
${block("nats", "setup")}
## completion

Completes commands, flags and their values, and file names for all the rest. The script runs nothing.

${block("completion")}`,
);

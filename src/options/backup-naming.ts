import { basename, dirname, join } from "node:path";
import { closestMatch } from "leven";
import { datedName, numberedName, parseDated, parseLeftover, parseNumbered } from "../log-files/backup-names.js";
import {
  BackupTemplate,
  constantsOf,
  DATE_FIELDS,
  fieldsOf,
  type Part,
  partsOf,
  TOKENS,
} from "../log-files/backup-template.js";
import { COMPRESSED, EXTENSIONS } from "../log-files/compression-formats.js";
import { settingsPath } from "../log-files/hidden-names.js";
import { parsePending } from "../log-files/pending-names.js";
import type { FileSystem } from "../platform/file-system.js";
import { resolveArchive } from "./archive-directory.js";
import type { ResolvedOptions } from "./resolved-options.js";
import { refused } from "./validation.js";

/* The options that say how backups are called, and where they are: what could not be read back is refused here. */

export type GivenNaming = {
  readonly backupName?: string | null | undefined;
  readonly keepExtension: boolean;
  readonly archiveDirectory?: string | null | undefined;
};

/** As `keepExtension` has it. */
const KEEPING = { size: "{stem}.{n}{ext}", time: "{stem}-{date}{ext}" } as const;

// Tokens by the names that other loggers, and people, have for them.
const ALIASES: Readonly<Record<string, (typeof TOKENS)[number]>> = {
  ...{
    index: "n",
    i: "n",
    number: "n",
    num: "n",
    count: "n",
    counter: "n",
    name: "stem",
    basename: "stem",
    base: "stem",
  },
  ...{
    filename: "stem",
    extension: "ext",
    suffix: "ext",
    d: "date",
    time: "date",
    datetime: "date",
    timestamp: "date",
  },
  ...{ hostname: "host" },
};

const STAMPS = ["2024-05", "2024-05-17", "2024-05-17_10", "2024-05-17_10-20", "2024-05-17_10-20-30"];
const NUMBERS = [1, 9, 12, 999_999_999_999_999];
const FORBIDDEN = process.platform === "win32" ? /[/\\\p{Cc}<>:"|?*]/u : /[/\\\p{Cc}]/u;
const HOST = /^[\w.-]+$/;

/**
 * @param kind of rotation
 * @returns undefined for what all backups are called and where they are by default
 * @throws {LogFileError} `ERR_CLH_OPTION`
 */
export function resolveNaming(
  { backupName, keepExtension, archiveDirectory }: GivenNaming,
  log: string,
  kind: "size" | "time",
  fs: FileSystem,
): Pick<ResolvedOptions, "backupName" | "archiveDirectory"> {
  if (keepExtension && backupName != null)
    throw refused("keepExtension", true, "left out, since `backupName` says what becomes of the extension");
  const text = backupName ?? (keepExtension ? KEEPING[kind] : undefined);
  const template = text === undefined ? undefined : checkTemplate(text, log, kind);
  const host = text?.includes("{host}") ? constantsOf(log).host : undefined;
  const directory = archiveDirectory == null ? undefined : resolveArchive(archiveDirectory, log, host, fs);
  if (template !== undefined && directory === undefined) refuseNamesOfLogs(template, text!, log, fs);
  return { backupName: template && text, archiveDirectory: directory };
}

/**
 * What is wrong with a template, in the words of a refusal: that it is expected to be something else.
 * @returns undefined when it can be read back
 */
export function templateFault(text: string, log: string): string | undefined {
  const parts = partsOf(text);
  if (parts === undefined) return 'a template in which each brace has its other, such as "{stem}.{n}{ext}"';
  const tokens = parts.flatMap((part) => ("token" in part ? [part] : []));
  for (const { token, pattern } of tokens) {
    if (!(TOKENS as readonly string[]).includes(token))
      return `a template of ${listed()}, and not of {${token}}${meant(token)}`;
    if (pattern !== undefined && token !== "date")
      return `a template with {${token}} in place of {${token}:${pattern}}`;
    if (pattern !== undefined && fieldsOf(pattern) === undefined)
      return `a template with a date such as {date:YYYYMMDD} or {date:YYYY-MM-DD_HH}: of ${DATE_FIELDS.join(", ")}, each once, from the year on without a gap, and of "-", "_", "." and "T"`;
  }
  const names = tokens.map(({ token }) => token);
  const twice = names.find((token, i) => names.indexOf(token) !== i);
  if (twice !== undefined) return `a template that has {${twice}} once`;
  for (const token of ["stem", "ext"])
    if (!names.includes(token))
      return `a template with {stem} and {ext}, so that no other log has backups of the same names`;
  const neighbour = tokens.find((part) => isBesideToken(parts, part));
  if (neighbour !== undefined) return `a template with a text such as "." or "-" in front of {${neighbour.token}}`;
  if (names.includes("host") && !HOST.test(constantsOf(log).host))
    return "a template without {host}: the name of this computer is not known, or cannot stand in a name";
  return undefined;
}

function isBesideToken(parts: readonly Part[], part: Part & { readonly token: string }): boolean {
  const before = parts[parts.indexOf(part) - 1];
  return part.token !== "ext" && before !== undefined && "token" in before;
}

/** Undefined where names are the default ones. */
function checkTemplate(text: string, log: string, kind: "size" | "time"): BackupTemplate | undefined {
  const refuse = (expected: string) => refused("backupName", text, expected);
  const fault = templateFault(text, log);
  if (fault !== undefined) throw refuse(fault);
  const parts = partsOf(text)!;
  const has = (token: string) => parts.some((part) => "token" in part && part.token === token);
  if (kind === "size" && has("date")) throw refuse("a template without {date}, since the log is rotated by size");
  if (kind === "size" && !has("n")) throw refuse("a template with {n}, the number of the backup");
  if (kind === "time" && !has("date")) throw refuse("a template with {date}, since the log is rotated by time");
  const template = BackupTemplate.of(text, log)!;
  const pairs = defaultNames(log, template.isDated).flatMap((defaultName) => {
    const name = template.nameOf(defaultName);
    return name === undefined ? [] : [{ defaultName, name }];
  });
  if (pairs.every(({ defaultName, name }) => name === defaultName)) return undefined;
  const names = pairs.map(({ name }) => name);
  if (parts.some((part) => "text" in part && FORBIDDEN.test(part.text)))
    throw refuse(
      "a name without a directory and without control characters (`archiveDirectory` says where backups are)",
    );
  if (
    names.some((name) => name.startsWith(".") && !basename(log).startsWith(".")) ||
    names.some((name) => name.startsWith(".__"))
  )
    throw refuse('a name that does not begin with ".", as hidden files do');
  const last = parts.at(-1)!;
  const extension = "text" in last ? COMPRESSED.find((ending) => last.text.endsWith(ending)) : undefined;
  if (extension !== undefined)
    throw refuse(`a template without "${extension}" at its end: that is added to what is compressed`);
  if (
    names.some(
      (name) =>
        (parseNumbered(log, name) ?? parseDated(log, name) ?? parseLeftover(log, name) ?? parsePending(log, name)) !==
        undefined,
    )
  )
    throw refuse(`a template whose names are not like those that other files of ${basename(log)} have`);
  if (pairs.some(({ defaultName, name }) => template.defaultNameOf(name) !== defaultName))
    throw refuse("a template from whose names it can be read back which backup it is");
  return template;
}

/** Bytes of the longest name that a template gives. */
export function longestName(text: string, log: string): number {
  const template = BackupTemplate.of(text, log)!;
  const names = defaultNames(log, template.isDated).map((name) => template.nameOf(name) ?? "");
  return Math.max(...names.map((name) => Buffer.byteLength(name)));
}

/** One of each kind, the longest among them. */
function defaultNames(log: string, isDated: boolean): string[] {
  const base = basename(log);
  const plain = isDated
    ? STAMPS.flatMap((stamp) => NUMBERS.map((n) => datedName(base, { stamp, counter: n - 1 })))
    : NUMBERS.map((n) => numberedName(base, n));
  return plain.flatMap((name) => EXTENSIONS.map((extension) => name + extension));
}

function listed(): string {
  const quoted = TOKENS.map((token) => `{${token}}`);
  return `${quoted.slice(0, -1).join(", ")} and ${quoted.at(-1)}`;
}

function meant(token: string): string {
  const name = token.toLowerCase();
  const found = ALIASES[name] ?? closestMatch(name, [...TOKENS], { maxDistance: Math.floor(token.length / 2) });
  return found === undefined ? "" : ` (did you mean {${found}}?)`;
}

/** A log that has writers of its own, and is called as a backup of this one would be. */
function refuseNamesOfLogs(template: BackupTemplate, text: string, log: string, fs: FileSystem): void {
  const directory = dirname(log);
  let names: string[];
  try {
    names = fs.readdir(directory);
  } catch {
    return; // whatever keeps us from asking will be met, and reported, at the first record
  }
  const other = names.find(
    (name) =>
      template.defaultNameOf(name) !== undefined && names.includes(basename(settingsPath(join(directory, name)))),
  );
  if (other === undefined) return;
  throw refused(
    "backupName",
    text,
    `another one: ${other} is a log of its own, and a backup of ${basename(log)} would have its name`,
  );
}

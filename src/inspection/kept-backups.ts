import { parseDated, parseNumbered, withoutStrangers } from "../log-files/backup-names.js";
import { parseHiddenPending } from "../log-files/hidden-names.js";
import type { LogFile } from "../log-files/list-files.js";
import { parseDatedPlace, parsePending } from "../log-files/pending-names.js";
import { calendarOf, parseWhen } from "../options/parsers.js";
import { stampLength } from "../rotation/schedule.js";
import type { SettingsLeft } from "../writer/settings-file.js";

/**
 * The files that the writers of a log count, number and delete. The others are of other settings, as before a change of
 * `when`, or of no handler: they are read, and stay for ever.
 */
export function keptBackups(log: string, files: readonly LogFile[], left: SettingsLeft | undefined): LogFile[] {
  const { kind, when } = left?.settings ?? {};
  const parsed = kind === "timed" ? parseWhen(when) : undefined;
  const period = parsed && calendarOf(parsed, undefined).when;
  const isDated = (file: LogFile) => {
    const stamp = stampOf(log, file);
    return stamp !== undefined && (period === undefined || stamp.length === stampLength(period));
  };
  const backups = files.filter(({ kind, status }) => kind !== "active" && status.isFile);
  const numbered = withoutStrangers(
    backups.flatMap((file) => {
      const parsed = file.kind === "backup" ? parseNumbered(log, file.name) : undefined;
      return parsed === undefined ? [] : [{ n: parsed.n, file }];
    }),
  );
  const isNumbered = new Set(numbered.map(({ file }) => file));
  return backups.filter((file) => {
    if (isDated(file)) return kind !== "size";
    if (stampOf(log, file) !== undefined) return false;
    return file.kind === "waiting" || (isNumbered.has(file) && kind !== "timed");
  });
}

/** The period to which a backup belongs, or a file that waits; undefined where it is numbered. */
export function stampOf(log: string, { name }: LogFile): string | undefined {
  const pending = parsePending(log, name) ?? parseHiddenPending(log, name);
  return (pending === undefined ? parseDated(log, name) : parseDatedPlace(pending.place))?.stamp;
}

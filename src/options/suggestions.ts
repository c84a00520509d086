import { closestMatch } from "leven";

// What other loggers, and logrotate, call an option of ours; in small letters, without underscores.
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  filename: ["file", "path", "logfile", "filepath", "destination"],
  maxBytes: ["size", "maxsize", "minsize", "filesize", "maxfilesize", "maxlogsize", "limit", "sizelimit", "threshold"],
  backupCount: ["count", "maxfiles", "maxbackups", "backups", "numbackups", "maxlogs", "keep", "rotate", "filecount"],
  maxAge: ["days", "daystokeep", "maxdays", "maxagems", "history", "maxhistory"],
  maxTotalBytes: ["totalsize", "maxtotalsize", "totalsizecap"],
  minFreeBytes: ["minfree", "freespace", "minfreespace", "mindiskfree", "freedisk", "keepfree"],
  maxRecordBytes: ["maxrecordsize", "maxline", "maxlinelength", "maxlinebytes", "maxmessagesize", "recordsize"],
  compression: ["compress", "zip", "zippedarchive"],
  useGzip: ["gzip", "gz"],
  delayCompression: ["delaycompress"],
  terminator: ["eol", "lineending"],
  mode: ["flags"],
  chmod: ["filemode", "permissions", "createmode"],
  lockFileDirectory: ["lockdir", "lockdirectory", "lockpath"],
  keepFileOpen: ["keepopen"],
  backupName: ["filenamepattern", "backupfilename", "backuppattern", "nametemplate", "backupnames"],
  keepExtension: ["keepfileext", "preserveextension", "keepext"],
  archiveDirectory: ["archivedir", "archive", "archivepath", "backupdir", "backupdirectory", "olddir"],
  namer: ["generator", "filenamegenerator", "rename"],
  when: ["frequency", "period", "datepattern", "pattern", "schedule", "rotationperiod"],
  timeZone: ["tz"],
  utc: ["utctime"],
};
const OURS = new Map(Object.entries(ELSEWHERE).flatMap(([ours, names]) => names.map((name) => [name, ours] as const)));

/**
 * What may have been meant by an unknown option, as a sentence. A wrong guess is worse than none: who takes `maxBytes`
 * for a number of files rotates at every record.
 * @param known the options that there are
 * @param timed those that only a log has which is rotated by time
 */
export function hintFor(option: string, known: readonly string[], timed: readonly string[]): string {
  const meant = OURS.get(plain(option)) ?? nearest(option, [...known, ...timed]);
  if (meant !== undefined && known.includes(meant)) return `Did you mean \`${meant}\`?`;
  if (meant === undefined || !timed.includes(meant)) return `The options are: ${known.join(", ")}.`;
  const name = meant === option ? "It is" : `Did you mean \`${meant}\`? That is`;
  return `${name} an option of ConcurrentTimedRotatingFileHandler, which rotates by time.`;
}

function nearest(option: string, names: readonly string[]): string | undefined {
  const maxDistance = Math.min(2, Math.floor(option.length / 3));
  const found = closestMatch(plain(option), names.map(plain), { maxDistance });
  return names.find((name) => plain(name) === found);
}

/** As it would be in one spelling: "use_gzip" is "useGzip". */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, "");
}

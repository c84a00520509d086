import { basename, dirname, join, resolve } from "node:path";
import { FilePath, type FileSystem } from "../platform/file-system.js";
import { parseDated, parseNumbered } from "./backup-names.js";
import { BackupTemplate } from "./backup-template.js";
import { settingsPath } from "./hidden-names.js";
import { namesIn } from "./listing.js";

/** How the backups of a log are called, and where they are. */
export interface BackupNaming {
  /** A template; undefined: by default, "app.log.1" or "app.log.2024-05-17". */
  readonly backupName?: string | undefined;
  /** From the directory of the log on, or absolute; undefined: there. */
  readonly archiveDirectory?: string | undefined;
}

/** The directory of the backups; undefined where they are beside the log. */
export function archiveOf(log: string, { archiveDirectory }: BackupNaming): string | undefined {
  const directory = resolve(dirname(log), archiveDirectory ?? "");
  return directory === dirname(log) ? undefined : directory;
}

interface Named {
  readonly beneath: FileSystem;
  readonly pathOnDisk: (path: string) => string;
}

const named = new WeakMap<FileSystem, Named>();

/**
 * A file system on which the backups of a log have default names and are beside it, whatever its user calls them and
 * wherever they are: names are translated on the way to the disk, and back. What is on the disk by a default name is
 * not seen there: its writers do not count it. Every other path leads where it says, also that of a backup on the disk.
 */
export function namedBackups<Machine extends { readonly fs: FileSystem }>(
  machine: Machine,
  log: string,
  naming: BackupNaming,
): Machine {
  const { backupName } = naming;
  const template = backupName === undefined ? undefined : BackupTemplate.of(backupName, log);
  const archive = archiveOf(log, naming);
  if (template === undefined && archive === undefined) return machine;
  const { fs } = machine;
  return { ...machine, fs: translating(fs, log, template, archive) };
}

function translating(
  fs: FileSystem,
  log: string,
  template: BackupTemplate | undefined,
  archive: string | undefined,
): FileSystem {
  const directory = dirname(log);
  const start = `${log}.`;
  const isDefault = (name: string) => (parseNumbered(log, name) ?? parseDated(log, name)) !== undefined;
  /** Undefined for what is called and kept as it would be without us. */
  const translate = (name: string) =>
    template?.nameOf(name) ?? (archive !== undefined && isDefault(name) ? name : undefined);
  const isHere = (path: string) => !path.startsWith(start); // every record asks this
  const pathOnDisk = (path: string) => {
    const name = isHere(path) || dirname(path) !== directory ? undefined : translate(basename(path));
    return name === undefined ? path : join(archive ?? directory, name);
  };
  const filePath = (path: FilePath) => (isHere(path.text) ? path : new FilePath(pathOnDisk(path.text)));
  const found = (name: string) => {
    const defaultName = template?.defaultNameOf(name);
    if (defaultName !== undefined) return defaultName;
    return archive !== undefined && translate(name) === name ? name : undefined;
  };
  const inArchive = (path: string) => namesIn(fs, path).flatMap((name) => found(name) ?? []);
  const beside = (names: readonly string[]) => {
    const all = new Set(names);
    return names.flatMap((name) => {
      if (translate(name) !== undefined) return [];
      const defaultName = archive === undefined ? found(name) : undefined;
      if (defaultName === undefined) return name;
      // A log of its own, which happens to be called like a backup of this one.
      return all.has(basename(settingsPath(join(directory, name)))) ? [] : defaultName;
    });
  };
  const translated: FileSystem = {
    ...fs,
    open: (path, flags, mode) => fs.open(pathOnDisk(path), flags, mode),
    status: (path, into) => fs.status(filePath(path), into),
    statusWithTime: (path, into) => fs.statusWithTime(filePath(path), into),
    linkStatus: (path, into) => fs.linkStatus(filePath(path), into),
    exists: (path) => fs.exists(pathOnDisk(path)),
    access: (path, mode) => fs.access(pathOnDisk(path), mode),
    rename: (from, to) => fs.rename(pathOnDisk(from), pathOnDisk(to)),
    renameNew: (from, to) => fs.renameNew(pathOnDisk(from), pathOnDisk(to)),
    unlink: (path) => fs.unlink(pathOnDisk(path)),
    mkdir(path) {
      fs.mkdir(path);
      if (archive !== undefined && path === directory) fs.mkdir(archive);
    },
    readdir(path) {
      const names = fs.readdir(path);
      if (path !== directory) return names;
      return archive === undefined ? beside(names) : [...beside(names), ...inArchive(archive)];
    },
  };
  named.set(translated, { beneath: fs, pathOnDisk });
  return translated;
}

/** Where a file is on the disk, for users: the path by which {@link namedBackups} finds it as well. */
export function pathOnDisk(fs: FileSystem, path: string): string {
  return named.get(fs)?.pathOnDisk(path) ?? path;
}

/** The file system on which {@link namedBackups} was built. */
export function beneath(fs: FileSystem): FileSystem {
  return named.get(fs)?.beneath ?? fs;
}

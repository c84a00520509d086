import { type Environment, systemEnvironment } from "../../src/platform/environment.js";
import { FileStatus, type FileSystem } from "../../src/platform/file-system.js";
import type { LockBackend } from "../../src/platform/lock-backend.js";

/** `f_type` of statfs(2). */
export const SMB = 0xfe534d42;

interface Held {
  readonly process: SmbProcess;
  readonly fd: number;
  readonly file: string;
  readonly isFar: boolean;
  /** How it was taken. */
  readonly by: "flock" | "fcntl";
  /** The client has it, and not the server. */
  readonly isCached: boolean;
}

/**
 * A share of SMB, as cifs.ko 6.1 shows it to hosts of Linux; the files are those of this machine. Measured there: any close on the
 * host ends what `flock` holds, a close by the same process what `fcntl` does; and a lock that the client keeps to itself, since it
 * alone has the file open in one way, is lost when a second process of the host asks for it.
 */
export class SmbShare {
  readonly held: Held[] = [];
  readonly processes: SmbProcess[] = [];

  process(host: string): SmbProcess {
    const process = new SmbProcess(this, host);
    this.processes.push(process);
    return process;
  }

  drop(isLost: (held: Held) => boolean): void {
    for (const held of this.held.filter(isLost)) this.held.splice(this.held.indexOf(held), 1);
  }
}

interface Opened {
  readonly path: string;
  readonly file: string;
  readonly isReadOnly: boolean;
}

/** A process on a host, with the environment of its handlers. */
export class SmbProcess {
  readonly host: string;
  readonly environment: Environment;
  readonly opened = new Map<number, Opened>();
  readonly #share: SmbShare;

  constructor(share: SmbShare, host: string) {
    this.#share = share;
    this.host = host;
    const { fs, ...others } = systemEnvironment();
    this.environment = {
      ...others,
      fs: { ...fs, ...this.#calls(fs) },
      lockBackend: this.#locks("flock"),
      smbLocks: this.#locks("fcntl"),
    };
  }

  #calls(fs: FileSystem): Partial<FileSystem> {
    return {
      fileSystemType: () => SMB,
      open: (path, flags, mode) => {
        const fd = fs.open(path, flags, mode);
        const status = new FileStatus();
        fs.statusOfOpen(fd, status);
        this.opened.set(fd, { path, file: JSON.stringify(status.place), isReadOnly: (flags & 3) === 0 });
        return fd;
      },
      close: (fd) => {
        const { file } = this.opened.get(fd)!;
        this.opened.delete(fd);
        fs.close(fd);
        this.#share.drop(
          (held) =>
            held.file === file && (held.by === "flock" ? held.process.host === this.host : held.process === this),
        );
      },
      readdir: (path) => (path === "/proc/self/fd" ? [...this.opened.keys()].map(String) : fs.readdir(path)),
      readlink: (path) => this.opened.get(Number(path.replace("/proc/self/fd/", "")))!.path,
    };
  }

  #locks(by: Held["by"]): LockBackend {
    const { held } = this.#share;
    return {
      tryLock: (fd, isRead = false) => {
        const { file } = this.opened.get(fd)!;
        // flock(2) knows no ranges, and keeps readers away.
        const isFar = by === "fcntl" && isRead;
        const others = held.filter((other) => other.file === file && (!isFar || other.isFar || other.by === "flock"));
        const mine = others.find((other) => other.fd === fd && other.process === this);
        if (mine !== undefined) return true;
        for (const other of others)
          if (other.isCached && other.process.host === this.host) this.#share.drop((lost) => lost === other);
        if (others.length > 0) return false;
        held.push({ process: this, fd, file, isFar, by, isCached: this.#isAlone(file) });
        return true;
      },
      unlock: (fd) => this.#share.drop((own) => own.process === this && own.fd === fd),
    };
  }

  /** No host has the file open in another way. */
  #isAlone(file: string): boolean {
    const opens = this.#share.processes.flatMap(({ opened }) => [...opened.values()]);
    return new Set(opens.filter((open) => open.file === file).map(({ isReadOnly }) => isReadOnly)).size < 2;
  }
}

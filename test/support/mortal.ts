import { closeSync } from "node:fs";
import { type Environment, systemEnvironment } from "../../src/platform/environment.js";
import type { FileSystem } from "../../src/platform/file-system.js";
import { systemError } from "./environment.js";

const system = systemEnvironment();

/** A process, as far as its files go: it dies at a call of the file system, or when told, and with it its locks. */
export class Mortal {
  readonly environment: Environment;
  readonly #open = new Set<number>();
  #isDead = false;
  calls = 0;

  /** @param lastWords whether the call at which it dies still writes half of its bytes */
  constructor(lastCall = Number.POSITIVE_INFINITY, lastWords = false) {
    const alive = (call: string, args: unknown[]) => {
      if (++this.calls < lastCall && !this.#isDead) return;
      if (this.calls === lastCall && lastWords && call === "write") {
        const [fd, bytes, offset, length] = args as Parameters<FileSystem["write"]>;
        system.fs.write(fd, bytes, offset, Math.floor(length / 2));
      }
      if (this.calls === lastCall && lastWords && call === "writeAt") {
        const [fd, bytes, position] = args as Parameters<FileSystem["writeAt"]>;
        system.fs.writeAt(fd, bytes.subarray(0, Math.floor(bytes.length / 2)), position);
      }
      throw systemError("EIO", call);
    };
    const fs = Object.fromEntries(
      Object.entries(system.fs).map(([name, call]) => [
        name,
        (...args: unknown[]) => {
          if (name !== "close" || this.#isDead) alive(name, args);
          const result = (call as (...them: unknown[]) => unknown)(...args);
          if (name === "open") this.#open.add(result as number);
          if (name === "close") this.#open.delete(args[0] as number);
          return result;
        },
      ]),
    );
    this.environment = { ...system, fs: fs as unknown as FileSystem };
  }

  die(): void {
    this.#isDead = true;
    for (const fd of this.#open) closeSync(fd);
    this.#open.clear();
  }
}

import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

export type DiskKind = "tmpfs" | "ext4";

const MEGABYTE = 1024 ** 2;
const SIZE = 8 * MEGABYTE;

/** Mounts a file system of 8 MB, gone when the test has ended; undefined, with the test skipped, where that is refused. */
export function smallDisk(t: TestContext, kind: DiskKind): string | undefined {
  const parent = mkdtempSync(join(tmpdir(), "clh-disk-"));
  const directory = join(parent, "disk");
  const image = join(parent, "image");
  mkdirSync(directory);
  try {
    if (kind === "tmpfs") run("mount", "-t", "tmpfs", "-o", `size=${SIZE}`, "tmpfs", directory);
    else {
      writeFileSync(image, "");
      truncateSync(image, SIZE);
      run("mkfs.ext4", "-q", "-F", image);
      run("mount", "-o", "loop", image, directory);
    }
  } catch (error) {
    rmSync(parent, { recursive: true });
    t.skip(`cannot mount: ${(error as Error).message.split("\n")[0]}`); // whatever the code: not root, no loop device
    return undefined;
  }
  t.after(() => {
    run("umount", "--lazy", directory);
    rmSync(parent, { recursive: true });
  });
  return directory;
}

/** Takes all space that is left, until it is freed. */
export function fill(directory: string): () => void {
  const path = join(directory, "filler");
  const fd = openSync(path, "w");
  for (let size = MEGABYTE; size >= 1; ) {
    try {
      writeSync(fd, Buffer.alloc(size));
    } catch {
      size = Math.floor(size / 4); // ENOSPC
    }
  }
  closeSync(fd);
  return () => rmSync(path);
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ["ignore", "ignore", "pipe"] });
}

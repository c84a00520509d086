import type { FileSystem } from "../../src/platform/file-system.js";
import type { LockBackend } from "../../src/platform/lock-backend.js";

/** One call of the file system, before it is made. */
interface WatchedCall {
  /** A method of {@link FileSystem}. */
  readonly name: string;
  /** Of a call that writes: does it with the first half of its bytes only; returns how many these are where the call would. */
  readonly writeHalf?: () => number | undefined;
}

/** Told of each call, and makes it by calling `proceed`, or does not. */
export type Watch = <Result>(call: WatchedCall, proceed: () => Result) => Result;

type AnyCall = (...args: unknown[]) => unknown;

/** The file system `real` with `watch` between it and its user. */
export function watchedFileSystem(real: FileSystem, watch: Watch): FileSystem {
  return watched(real, (name, args) => watch.bind(undefined, describeCall(real, name, args)));
}

/** The same of what locks files. */
export function watchedLocks(real: LockBackend, watch: Watch): LockBackend {
  return watched(real, (name) => watch.bind(undefined, { name }));
}

function watched<Real extends object>(
  real: Real,
  watchOf: (name: string, args: unknown[]) => (proceed: () => unknown) => unknown,
): Real {
  const calls = Object.entries(real).map(([name, call]: [string, AnyCall]) => [
    name,
    (...args: unknown[]) => watchOf(name, args)(() => call(...args)),
  ]);
  return Object.fromEntries(calls) as Real;
}

function describeCall(real: FileSystem, name: string, args: unknown[]): WatchedCall {
  if (name === "write") {
    const [fd, bytes, offset, length] = args as Parameters<FileSystem["write"]>;
    return { name, writeHalf: () => real.write(fd, bytes, offset, Math.floor(length / 2)) };
  }
  if (name === "writeAt") {
    const [fd, bytes, position] = args as Parameters<FileSystem["writeAt"]>;
    return {
      name,
      writeHalf() {
        real.writeAt(fd, bytes.subarray(0, bytes.length / 2), position);
        return undefined;
      },
    };
  }
  return { name };
}

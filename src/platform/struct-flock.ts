import type { Libc } from "./system-calls.js";

// fcntl.h of Linux.
export const F_OFD_GETLK = 36;
export const F_OFD_SETLK = 37;
export const F_RDLCK = 0;
export const F_WRLCK = 1;
export const F_UNLCK = 2;

// There the structure has two 16-bit numbers (type, whence), then two 64-bit ones (start, length), each at a multiple of its
// size, and a pid, which has to be 0.
const ARCHITECTURES = new Set(["x64", "arm64", "riscv64", "loong64", "ppc64"]);

/** A `struct flock`, with which fcntl(2) is called. It is filled anew by each call. */
export class FlockStruct {
  readonly #fcntl: NonNullable<Libc["fcntl"]>;
  readonly #errno: Libc["errno"];
  readonly #numbers = new BigInt64Array(4);
  readonly #types = new Int16Array(this.#numbers.buffer);

  private constructor(fcntl: NonNullable<Libc["fcntl"]>, errno: Libc["errno"]) {
    this.#fcntl = fcntl;
    this.#errno = errno;
  }

  /** Undefined where the system has no such call, or another layout of the structure. */
  static over({ fcntl, errno }: Libc): FlockStruct | undefined {
    return fcntl !== undefined && ARCHITECTURES.has(process.arch) ? new FlockStruct(fcntl, errno) : undefined;
  }

  /**
   * @param length 0 = to the end of all files
   * @returns 0, or the number of the error
   */
  call(fd: number, command: number, type: number, start: bigint, length: bigint): number {
    this.#numbers.fill(0n);
    this.#types[0] = type;
    this.#numbers[1] = start;
    this.#numbers[2] = length;
    return this.#fcntl(fd, command, this.#numbers) === 0 ? 0 : this.#errno();
  }

  /** The type that the last call has left in it. */
  get type(): number {
    return this.#types[0]!;
  }

  /** The start that the last call has left in it. */
  get start(): bigint {
    return this.#numbers[1]!;
  }
}

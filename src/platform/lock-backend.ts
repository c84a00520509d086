/** One way of the operating system to lock an open file against every other open of it, here or elsewhere. */
export interface LockBackend {
  /**
   * Takes the lock if it is free; false when it is not. Throws a system error when it cannot be asked for.
   * @param isRead the content of the file is read by others meanwhile: Windows refuses that where a file is locked
   */
  tryLock(fd: number, isRead?: boolean): boolean;
  unlock(fd: number): void;
  /** Where there are none, who waits finds out by trying whether it is its turn. */
  readonly places?: Places;
}

/** Locks on single bytes of a file, which have nothing to do with the lock on the whole of it. Each belongs to one open. */
export interface Places {
  /**
   * Holds a place, or goes on to hold it in the other way; false when another open has it. Throws a system error.
   * @param isFirm false: loosely, which {@link find} can leave out
   */
  hold(fd: number, place: number, isFirm: boolean): boolean;
  free(fd: number, place: number): void;
  /**
   * A place that another open holds, not before `from` and before `end`: not always the first. Undefined when there is none.
   * @param isFirmOnly leaves out those that are held loosely
   */
  find(fd: number, from: number, end: number, isFirmOnly: boolean): number | undefined;
}

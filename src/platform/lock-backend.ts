/** One way of the operating system to lock an open file against every other open of it, here or elsewhere. */
export interface LockBackend {
  /**
   * Takes the lock if it is free; false when it is not. Throws a system error when it cannot be asked for.
   * @param isRead the content of the file is read by others meanwhile: Windows refuses that where a file is locked
   */
  tryLock(fd: number, isRead?: boolean): boolean;
  unlock(fd: number): void;
}

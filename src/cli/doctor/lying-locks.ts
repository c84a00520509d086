/** Known of mounts that say a lock is held and keep it to their own host; measured between hosts. */
export function lyingLocks(type: string, options: readonly string[]): string | undefined {
  if (type === "fuse.sshfs") return "sshfs keeps locks to its own host";
  const found = options.find((option) =>
    /^(nolock|local_lock=(all|flock)|nobrl|mfsnobsdlocks|locallocks|localflocks)$/.test(option),
  );
  return found === undefined ? undefined : `the mount option ${found} keeps locks to this host`;
}

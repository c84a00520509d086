import fc from "fast-check";

/** File names of logs. */
export const logNames = fc.stringMatching(/^[a-z0-9._-]{1,12}$/).filter((name) => name !== "." && name !== "..");

/** As `FileStatus.fingerprint` writes them: the shortest, and a longer one. */
export const FINGERPRINTS = ["00052c4ca-06b0a50c8002b1358", "fedcba9876543210-1f6b0a50c8002b1358"] as const;

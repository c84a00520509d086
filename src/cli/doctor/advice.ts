import type { CheckResult } from "./checks.js";
import type { KindOfFileSystem } from "./file-system.js";

export interface Seen {
  readonly kind: KindOfFileSystem;
  readonly checks: readonly CheckResult[];
  /** Another host has taken part. */
  readonly isPeer: boolean;
  /** Milliseconds that one fsync took. */
  readonly syncTime: number;
}

const SLOW_SYNC = 50;

/** Sentences that say how to mount the directory, and which settings to use there. */
export function adviceFor({ kind, checks, isPeer, syncTime }: Seen): string[] {
  const failed = checks.filter(({ ok }) => !ok);
  const isApart = kind.whyUnsafe !== undefined;
  const isStale = failed.some(({ why }) => /\bESTALE\b/.test(why ?? ""));
  const sentences: [isTrue: boolean, sentence: string][] = [
    [
      isApart,
      `Let only one host write here, each host a log of its own, or mount it otherwise: ${kind.whyUnsafe}. NFS 4 with its default options keeps hosts apart, and so does SMB 3 with nolease.`,
    ],
    [
      isApart && kind.type === "fuse.glusterfs",
      "For each cache: gluster volume set VOLUME performance.CACHE off, where md-cache is called stat-prefetch. Mount it with attribute-timeout=0,entry-timeout=0,direct-io-mode=enable.",
    ],
    [
      !isApart && kind.isNetwork && !isPeer,
      "Whether two hosts exclude each other, only the test from both shows: clh doctor --peer on each.",
    ],
    [
      kind.isNetwork,
      "Leave keepFileOpen unset: the handlers open the log for each write here, and write it back before they unlock.",
    ],
    [kind.isNetwork, lostHost(kind.server)],
    [
      kind.server === "smb",
      "Mount it with nolease on every host, or set veto oplock files = /.__*.lock/ for the share in Samba. Linux hosts may else keep a lock to themselves, which was seen to be held twice then, or never given up.",
    ],
    [
      syncTime > SLOW_SYNC,
      `One fsync took ${Math.round(syncTime)} ms. ${kind.isNetwork ? "Each" : 'With sync "data" or "full" each'} write waits so long: delivery "batched" or "background" waits once for many records.`,
    ],
    [kind.kind === "memory", "Its files are gone when the machine stops."],
    [
      kind.kind === "overlay",
      "Its files may be gone with the container: mount a volume. Containers share a log only on one.",
    ],
    [
      kind.isSynced,
      "Put logs elsewhere: a program copies this folder to other machines, knows no locks, and may replace files that are being written.",
    ],
    [
      isStale,
      "ESTALE says that the server does not know a file any more that this host has open: mount the share anew. Where it comes again, export the directory with an fsid of its own.",
    ],
    [failed.length > 0, "Do not let several processes write a log here: what failed above is what they rely on."],
  ];
  return sentences.filter(([isTrue]) => isTrue).map(([, sentence]) => sentence);
}

/** How long a host that has died keeps the lock of a log, by the protocol of its mount. */
export function lostHost(server: KindOfFileSystem["server"]): string {
  switch (server) {
    case "nfs":
      return "A host that dies with the lock keeps it until its lease ends: 90 seconds, unless the NFS server says otherwise (/proc/fs/nfsd/nfsv4leasetime).";
    case "smb":
      return "A host that dies with the lock keeps it until the server finds its connection dead. For Samba, this makes it 25 seconds rather than up to a quarter of an hour: socket options = TCP_NODELAY SO_KEEPALIVE TCP_KEEPIDLE=10 TCP_KEEPINTVL=5 TCP_KEEPCNT=3 TCP_USER_TIMEOUT=25000.";
    default:
      return "A host that dies with the lock keeps it until the server finds that out.";
  }
}

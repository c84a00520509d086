import { parentPort } from "node:worker_threads";
import { systemEnvironment } from "../platform/environment.js";
import { release } from "./lease-memory.js";

/* The thread that releases locks which were kept for too long. Its other half is lease.ts. */

const { lockBackend } = systemEnvironment();
parentPort!.once("message", (shared: SharedArrayBuffer) => {
  parentPort!.postMessage("started");
  release(shared, (fd) => lockBackend.unlock(fd));
});

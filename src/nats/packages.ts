import { createRequire } from "node:module";
import { LogFileError } from "../base/errors.js";

const TRANSPORT = "@nats-io/transport-node";
const JETSTREAM = "@nats-io/jetstream";

type Packages = ReturnType<typeof makeLoaders>;

let loaders: Packages | undefined;

/**
 * The packages of NATS, loaded when the first connection is made: that takes longer than all of this package.
 * @throws {LogFileError} `ERR_CLH_OPTION` where they are not installed
 */
export function natsPackages(): Packages {
  loaders ??= makeLoaders();
  return loaders;
}

function makeLoaders() {
  const require = createRequire(import.meta.url);
  for (const name of [TRANSPORT, JETSTREAM]) assertInstalled(require, name);
  return {
    transport: () => require("@nats-io/transport-node") as typeof import("@nats-io/transport-node"),
    jetstream: () => require("@nats-io/jetstream") as typeof import("@nats-io/jetstream"),
  };
}

/** @internal exported for its test */
export function assertInstalled(require: Pick<NodeJS.Require, "resolve">, name: string): void {
  try {
    require.resolve(name);
  } catch (cause) {
    const message = `Records cannot go to NATS: the package ${name} cannot be found. Install it: npm install ${TRANSPORT} ${JETSTREAM}`;
    throw new LogFileError("ERR_CLH_OPTION", message, { cause });
  }
}

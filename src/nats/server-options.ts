import { resolve } from "node:path";
import * as v from "valibot";
import { LogFileError } from "../base/errors.js";
import { anObject, converted, matching, parse } from "../options/validation.js";
import type { NatsTlsOptions } from "./nats-options.js";

export interface ResolvedServers {
  readonly servers: readonly string[];
  readonly credentials?: string | undefined;
  readonly nkey?: string | undefined;
  readonly user?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly tokenFile?: string | undefined;
  /** Undefined: as the server wants. */
  readonly tls?: NatsTlsOptions | undefined;
}

const file = v.pipe(
  matching((value) => value !== "" && !value.includes("\0"), "the path of a file"),
  v.transform((path) => resolve(path)),
);
const SERVERS = 'one or more URLs such as "nats://log1:4222" or "tls://log1:4222"';
const URL_OF_SERVER = /^(?:(?:nats|tls):\/\/)?(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?\/?$/i;

const tlsSchema = v.strictObject({ ca: v.optional(file), cert: v.optional(file), key: v.optional(file) });

/** The rows of these options, for the schema of whatever has them. */
export const serverRows = {
  servers: converted(parseServers, SERVERS),
  credentials: v.optional(file),
  nkey: v.optional(file),
  user: v.optional(matching((value) => value !== "", "the name of a user")),
  passwordFile: v.optional(file),
  tokenFile: v.optional(file),
  tls: v.optional(converted(parseTls, "true, false, or an object with paths: ca, cert, key")),
};

/**
 * Checks which of these options go together.
 * @throws {LogFileError} `ERR_CLH_OPTION`
 */
export function resolveServers(
  {
    servers,
    credentials,
    nkey,
    user,
    passwordFile,
    tokenFile,
    tls,
  }: v.InferOutput<v.ObjectSchema<typeof serverRows, undefined>>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ResolvedServers {
  const given = Object.entries({ credentials, nkey, user, tokenFile }).flatMap(([name, value]) => (value ? name : []));
  if (given.length > 1)
    throw wrong(given[1]!, `left out, since \`${given[0]}\` is given: there is one way to say who asks`);
  if ((user === undefined) !== (passwordFile === undefined))
    throw wrong(user === undefined ? "user" : "passwordFile", "given: `user` and `passwordFile` belong together");
  if (tls !== undefined && tls !== false && (tls.cert === undefined) !== (tls.key === undefined))
    throw wrong("tls", "given with both `cert` and `key`, or with neither");
  const isTls = servers.some((server) => /^tls:/i.test(server));
  const fromEnvironment = given.length === 0 && environment.NATS_CREDS ? resolve(environment.NATS_CREDS) : undefined;
  if (isTls && tls === false) throw wrong("tls", 'left out or true, since a server is given as "tls://"');
  return {
    servers: servers.map(plain),
    credentials: credentials ?? fromEnvironment,
    nkey,
    user,
    passwordFile,
    tokenFile,
    tls: tls || (isTls ? {} : undefined),
  };
}

const DEFAULT_PORT = ":4222";

/** In one spelling: "NATS://Log1/" is "log1:4222". */
function plain(server: string): string {
  const host = server
    .toLowerCase()
    .replace(/^\w+:\/\//, "")
    .replace(/\/$/, "");
  return /:\d+$/.test(host) ? host : host + DEFAULT_PORT;
}

/** As users write them, without what is nobody else's business: there is no secret in it, since none can be given. */
export function describeServers({ servers, tls }: ResolvedServers): string {
  return `${tls === undefined ? "nats" : "tls"}://${servers.join(",")}`;
}

/** Lists of servers, also in one text with commas. Refuses, without showing it, what may have a password in it. */
function parseServers(value: unknown): readonly string[] | undefined {
  const list = typeof value === "string" ? value.split(",") : value;
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const servers = list.map((each) => (typeof each === "string" ? each.trim() : ""));
  if (servers.some((server) => server.includes("@"))) {
    throw wrong(
      "servers",
      "without a user or a password, which others could see: give `credentials`, `nkey`, `tokenFile`, or `user` and `passwordFile`",
    );
  }
  // The scheme of the first holds for those behind it, as in "tls://log1,log2".
  return servers.every((server) => URL_OF_SERVER.test(server)) ? servers : undefined;
}

function parseTls(value: unknown): false | NatsTlsOptions | undefined {
  if (value === undefined || value === false) return false;
  if (value === true) return {};
  if (typeof value !== "object" || value === null) return undefined;
  const { ca, cert, key } = parse(tlsSchema, anObject(value));
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

/** Without the value: it may be a secret. */
function wrong(option: string, expected: string): LogFileError {
  return new LogFileError("ERR_CLH_OPTION", `Expected the option \`${option}\` to be ${expected}.`, { option });
}

import { LogFileError } from "../base/errors.js";
import { hasCode, isError, reason } from "../base/system-errors.js";

/** Codes of the server's answers (errors.json of nats-server). */
const STORE_FAILED = 10077;
const NO_RESOURCES = [10023, 10028, 10047, 10122];
const NO_STREAM = [10059, 10060];
const TOO_LARGE = [10054, 10097];
const NOT_NOW = [10008, 10009, 10076, 10118];

/** The kind of a failure: of several of one kind, one is told. */
export type EngineFailure =
  | "away"
  | "slow"
  | "full"
  | "no resources"
  | "no stream"
  | "too large"
  | "not now"
  | "not stored yet"
  | "not allowed in"
  | "may not publish"
  | "may not hear answers"
  | "certificate"
  | "no TLS"
  | "secret"
  | "other";

/** A server has said that it has these records already, and not where: its leader may still lose them. */
export class NotStoredYet extends Error {
  override readonly name = "NotStoredYet";

  constructor() {
    super("the server had these records before, and does not say yet that it has stored them");
  }
}

/** An error of NATS in the words of this package. */
export class EngineError extends LogFileError {
  readonly failure: EngineFailure;

  /**
   * @param what was tried, as the beginning of a sentence: "Cannot send records"
   * @param where servers and stream
   * @param then what becomes of the records, as a sentence
   */
  constructor(cause: unknown, what: string, where: { readonly servers: string; readonly stream: string }, then = "") {
    const failure = failureOf(cause);
    const { why, advice } = SENTENCES[failure](cause, where.stream);
    const sentences = [`${what} (stream ${where.stream} on ${where.servers}): ${why}.`, then, advice].filter(Boolean);
    super("ERR_CLH_ENGINE", sentences.join(" "), { cause });
    this.failure = failure;
  }
}

/** True where another connection is needed, and where it is of no use to ask for one at once: somebody is to act first. */
export function needsSomebody(failure: EngineFailure): boolean {
  return ["not allowed in", "may not publish", "may not hear answers", "certificate", "no TLS", "secret"].includes(
    failure,
  );
}

interface Sentence {
  readonly why: string;
  readonly advice: string;
}

type Tell = (cause: unknown, stream: string) => Sentence;

const say =
  (why: string, advice: string): Tell =>
  (_, stream) => ({ why, advice: advice.replaceAll("STREAM", stream) });

const sayReason =
  (advice: string): Tell =>
  (cause) => ({ why: reason(cause), advice });

const SENTENCES: Readonly<Record<EngineFailure, Tell>> = {
  away: (cause) => ({
    why: `no server answers (${reason(cause)})`,
    advice: "Are the servers running, and is the way to them open?",
  }),
  slow: say("no answer came in time", "Is the cluster overloaded, or has it no majority? clh doctor nats://… looks."),
  full: say(
    "the stream is full",
    "Is the collector running (clh collect)? It makes room; else raise the stream's limit.",
  ),
  "no resources": sayReason(
    "Give JetStream more room on the servers (their disks, max_file_store), or the stream a smaller limit.",
  ),
  "no stream": say(
    "no stream takes this subject, or it has no leader now",
    "Make it: clh nats setup nats://… --stream STREAM; or see that JetStream is on, and that its subjects have this one.",
  ),
  "too large": sayReason("The limit of the server or of the stream was lowered: raise max_payload or max_msg_size."),
  "not now": sayReason("Has the cluster a majority and a leader? clh doctor nats://… looks."),
  "not stored yet": sayReason("It is asked again."),
  "not allowed in": sayReason(
    "Give `credentials`, `nkey`, `tokenFile`, or `user` and `passwordFile` that the servers know.",
  ),
  "may not publish": (cause) => {
    const why = reason(cause);
    const page = why.includes("$JS.API.") ? "docs/how-to/many-hosts.md" : "docs/reference/nats-handler.md";
    return { why, advice: `Permit this user to publish there, as ${page} says.` };
  },
  "may not hear answers": sayReason(
    'Permit this user to subscribe to "_INBOX.>", in which servers answer, and with acknowledge "written" to "clh-written.>".',
  ),
  certificate: sayReason(
    "Give in `tls.ca` the certificate of those who have signed that of the servers, by the name in `servers`.",
  ),
  "no TLS": say(
    "the server offers no TLS",
    "Set up its tls block, or leave `tls` and tls:// out where others may read along.",
  ),
  secret: (cause) => ({ why: reason(cause), advice: "" }),
  other: sayReason(""),
};

const INBOX = /^_INBOX/;
const CERTIFICATE = /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_)/;
const NO_TLS = /server does not support 'tls'|is not available on this server/;

/** The kind of failure that a client of NATS tells by an error. */
export function failureOf(cause: unknown): EngineFailure {
  if (!isError(cause)) return "other";
  if (cause instanceof NotStoredYet) return "not stored yet";
  if (cause instanceof LogFileError) return "secret";
  const { name, message, code } = cause as Error & { code?: unknown };
  if (NO_TLS.test(message)) return "no TLS";
  if (CERTIFICATE.test(String((cause.cause as { code?: unknown } | undefined)?.code ?? code))) return "certificate";
  switch (name) {
    case "JetStreamNotEnabled":
    case "StreamNotFoundError":
    case "NoRespondersError":
      return "no stream";
    case "JetStreamApiError":
      return failureOfCode(Number(code), message);
    case "AuthorizationError":
    case "UserAuthenticationExpiredError":
      return "not allowed in";
    case "PermissionViolationError": {
      const { operation, subject } = cause as Error & { operation?: string; subject?: string };
      return operation === "subscription" || INBOX.test(subject ?? "") ? "may not hear answers" : "may not publish";
    }
    case "TimeoutError":
      return "slow";
    case "InvalidArgumentError":
      return "too large";
    case "ConnectionError":
    case "ClosedConnectionError":
    case "DrainingConnectionError":
      return "away";
    case "RequestError":
      return cause.cause === undefined ? "away" : failureOf(cause.cause);
    default:
      return hasCode(
        cause,
        "ECONNREFUSED",
        "ECONNRESET",
        "EPIPE",
        "ENOTFOUND",
        "EAI_AGAIN",
        "ETIMEDOUT",
        "EHOSTUNREACH",
        "ENETUNREACH",
      )
        ? "away"
        : "other";
  }
}

function failureOfCode(code: number, message: string): EngineFailure {
  if (code === STORE_FAILED && /maximum (?:bytes|messages)/.test(message)) return "full";
  if (NO_RESOURCES.includes(code) || (code === STORE_FAILED && /no space left/.test(message))) return "no resources";
  if (NO_STREAM.includes(code)) return "no stream";
  if (TOO_LARGE.includes(code)) return "too large";
  if (NOT_NOW.includes(code)) return "not now";
  return "other";
}

import { writeFileSync } from "node:fs";
import { nkeys } from "@nats-io/transport-node";

/* An operator of NATS with one account, as nsc makes them: users have .creds files that can expire. */

type KeyPair = ReturnType<typeof nkeys.createUser>;

const HEADER = encoded({ typ: "JWT", alg: "ed25519-nkey" });
const NO_LIMITS = { subs: -1, data: -1, payload: -1 };
const ACCOUNT_LIMITS = {
  ...NO_LIMITS,
  ...{ imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
  ...{ mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 },
};

export class NatsOperator {
  readonly #operator = nkeys.createOperator();
  readonly #account = nkeys.createAccount();
  /** JetStream asks for one. */
  readonly #system = nkeys.createAccount();

  /** Settings of a server that knows this account alone. */
  get settings(): string {
    const operator = token(this.#operator, this.#operator, { type: "operator" });
    const account = token(this.#operator, this.#account, { type: "account", limits: ACCOUNT_LIMITS });
    const system = token(this.#operator, this.#system, { type: "account", limits: NO_LIMITS });
    return `
      operator: ${operator}
      system_account: ${this.#system.getPublicKey()}
      resolver: MEMORY
      resolver_preload: {
        ${this.#account.getPublicKey()}: ${account}
        ${this.#system.getPublicKey()}: ${system}
      }`;
  }

  /** Writes the credentials of a new user, who may do everything until they expire, in seconds from now. */
  writeCredentials(path: string, expiresIn?: number): void {
    const user = nkeys.createUser();
    const expires = expiresIn === undefined ? {} : { exp: Math.floor(Date.now() / 1000) + expiresIn };
    const jwt = token(this.#account, user, { type: "user", ...NO_LIMITS }, expires);
    const seed = Buffer.from(user.getSeed()).toString();
    const parts = [
      ["NATS USER JWT", jwt],
      ["USER NKEY SEED", seed],
    ].map(([name, text]) => `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n`);
    writeFileSync(path, parts.join("\n"));
  }
}

function token(issuer: KeyPair, subject: KeyPair, claims: object, more: object = {}): string {
  const [iss, sub] = [issuer.getPublicKey(), subject.getPublicKey()];
  const body = { jti: sub, iat: 0, iss, sub, name: "test", ...more, nats: { ...claims, version: 2 } };
  const signed = `${HEADER}.${encoded(body)}`;
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString("base64url")}`;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

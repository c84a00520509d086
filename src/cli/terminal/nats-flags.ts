import type { Command } from "commander";

/** True for what names servers of NATS, and no file. */
export function isNats(target: string): boolean {
  return /^(?:nats|tls):\/\//i.test(target);
}

/** Flags that say where the servers are, and who asks; secrets are files, since all can see arguments. */
export function addServerFlags(command: Command): Command {
  return command
    .option("--creds <file>", "with nats://, a .creds file; or the environment variable NATS_CREDS")
    .option("--nkey <file>", "with nats://, a file with the seed of an nkey")
    .option("--user <name>", "with nats://, a user, together with --password-file")
    .option("--password-file <file>", "with nats://, a file with the user's password")
    .option("--token-file <file>", "with nats://, a file with a token")
    .option("--tls", "with nats://, never without TLS; as tls:// says it too")
    .option("--tls-ca <file>", "with nats://, certificates of those who may sign the servers' ones")
    .option("--tls-cert <file>", "with nats://, our certificate")
    .option("--tls-key <file>", "with nats://, its key");
}

/** Options of {@link NatsServerOptions}, as the command was given them. */
export function serverOptions(servers: string, flags: Record<string, unknown>): Record<string, unknown> {
  const { creds, nkey, user, passwordFile, tokenFile, tls, tlsCa: ca, tlsCert: cert, tlsKey: key } = flags;
  const paths = given({ ca, cert, key });
  return given({
    servers,
    credentials: creds,
    nkey,
    user,
    passwordFile,
    tokenFile,
    tls: Object.keys(paths).length > 0 ? paths : tls,
  });
}

/** Those that were given. */
export function given(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

/*
 * guest-agent ip name: runs programs on a host of the lab. Each connection is one program: a line of JSON names it, then the
 * socket is its standard input and output. It is killed when the socket is closed.
 */

const [address, name] = process.argv.slice(2);

createServer((socket) => {
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy()); // a host that was cut off
  const lines = createInterface({ input: socket });
  lines.on("error", () => {}); // it tells of those of the socket as well
  lines.once("line", (line) => {
    const [command, ...args] = JSON.parse(line) as string[];
    const child = spawn(command!, args, { stdio: ["pipe", "pipe", "pipe"] });
    lines.on("line", (next) => child.stdin.write(`${next}\n`));
    child.stdin.on("error", () => {}); // it has ended
    child.stderr.on("data", (bytes) => process.stdout.write(bytes));
    child.on("error", (error) => socket.end(`${error.message}\n`));
    child.stdout.pipe(socket);
    socket.on("close", () => child.kill("SIGKILL"));
    socket.on("end", () => child.kill("SIGKILL"));
  });
}).listen(7000, address, () => process.stdout.write(`host ${name} is up\n`));

const { spawn } = require("node:child_process");
const { pipeline } = require("node:stream/promises");
const { ConcurrentRotatingFileHandler } = require("concurrent-log-handler");

const handler = new ConcurrentRotatingFileHandler("app.log", { maxBytes: "10MiB", backupCount: 5 });
const child = spawn(process.execPath, ["-e", "for (let i = 0; i < 100; i++) console.log('record', i)"]);
pipeline(child.stdout, handler.toStream()).then(() => process.stdout.write("all of them are in the file\n"));

const { ConcurrentRotatingFileHandler } = require("concurrent-log-handler");
const express = require("express");
const morgan = require("morgan");

const handler = new ConcurrentRotatingFileHandler("app.log", { maxBytes: "10MiB", backupCount: 5 });
const app = express();
app.use(morgan("combined", { stream: handler.toStream() }));
app.get("/", (_request, response) => {
  response.send("hello");
});

const server = app.listen(0, async () => {
  for (let i = 0; i < 100; i++) await (await fetch(`http://localhost:${server.address().port}/?${i}`)).text();
  server.close();
});

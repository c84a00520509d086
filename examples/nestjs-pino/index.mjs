import "reflect-metadata";
import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { pinoDestination } from "concurrent-log-handler/pino";
import { Logger, LoggerModule } from "nestjs-pino";

const stream = pinoDestination({ filename: "app.log", maxBytes: "10MiB", backupCount: 5 });

class AppModule {}
Module({ imports: [LoggerModule.forRoot({ pinoHttp: { stream } })] })(AppModule);

const app = await NestFactory.createApplicationContext(AppModule, { bufferLogs: true });
const logger = app.get(Logger);
app.useLogger(logger);
for (let i = 0; i < 100; i++) logger.log(`record ${i}`);
await app.close();

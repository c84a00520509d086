const ConcurrentFile = require("concurrent-log-handler/winston").ConcurrentFileTransport;
const { Module } = require("@nestjs/common");
const { NestFactory } = require("@nestjs/core");
const { WinstonModule } = require("nest-winston");

class AppModule {}
Module({})(AppModule);

async function main() {
  const transports = [new ConcurrentFile({ filename: "app.log", maxBytes: "10MiB", backupCount: 5 })];
  const app = await NestFactory.createApplicationContext(AppModule, {
    logger: WinstonModule.createLogger({ transports }),
  });
  await app.close();
}
main();

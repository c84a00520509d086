// A reporter of node:test that names the tests that failed, with their errors, after all others have run.
export default async function* reportFailures(events) {
  const failures = [];
  for await (const { type, data } of events) {
    const isOwn = type === "test:fail" && data.details.error.failureType !== "subtestsFailed";
    if (isOwn) failures.push(data);
  }
  for (const { name, file, line, details } of failures) {
    const { cause } = details.error;
    yield `FAILED ${name} (${file}:${line})\n${cause?.stack ?? cause ?? details.error.message}\n`;
  }
}

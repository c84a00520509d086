import * as Plot from "@observablehq/plot";
import { JSDOM } from "jsdom";

/* The results as one page that needs nothing else, and as a picture. Observable Plot draws; everything is static SVG. */

const { document } = new JSDOM("").window;
const OURS = "#0b6e4f";
const OTHERS = "#9aa5b1";
const LIMIT = "#d0a040";
const LOST = "#c0392b";
const MAX_BYTES = 1024 * 1024; // of a file, as all are told
const LEGEND = [
  [OURS, "this package"],
  [OTHERS, "others, most of them made for one process"],
  [LOST, "loses records"],
  [LIMIT, "limits, which do less"],
];
const colourOf = ({ isOurs, isLimit, lost }) => (isOurs ? OURS : isLimit ? LIMIT : lost > 0 ? LOST : OTHERS);
/** 1500 is 1.5k. */
const short = (value) => (value < 1000 ? `${value}` : value < 1e6 ? `${value / 1e3}k` : `${value / 1e6}M`);
/** The powers of ten of an axis. */
const decades = ([lowest, highest]) =>
  Array.from({ length: 13 }, (_, i) => 10 ** (i - 4)).filter((value) => value >= lowest && value <= highest);
const SIZE = { width: 960, document, style: "background: white; font: 13px sans-serif" };
const CHARACTER = 7; // pixels
const whole = (value) => Math.round(value).toLocaleString("en");

const widest = (texts) => CHARACTER * Math.max(...texts.map(({ length }) => length)) + 20;

function bars(rows, value, { title, label, format }) {
  const domain = rows.toSorted((a, b) => value(b) - value(a)).map(({ name }) => name);
  const largest = Math.max(1, ...rows.map(value));
  return Plot.plot({
    ...SIZE,
    ariaLabel: title,
    height: 60 + 24 * rows.length,
    marginLeft: widest(domain),
    marginRight: widest(rows.map(format)),
    marginBottom: 40,
    x: { label, grid: true, domain: [0, largest], ticks: 5, tickFormat: short },
    y: { label: null, domain },
    marks: [
      Plot.barX(rows, { y: "name", x: value, fill: colourOf }),
      Plot.text(rows, { y: "name", x: value, text: format, textAnchor: "start", dx: 5 }),
    ],
  });
}

const atMost = (results) => Math.max(...results.map(({ processes }) => processes));
const at = (results, processes) => results.filter((one) => one.processes === processes);
const share = ({ lost }) => 100 * lost;
const isTooLarge = ({ largest }) => largest > 2 * MAX_BYTES;
/** The rate, and what it was bought with. */
const rateOf = (row) =>
  [
    whole(row.rate),
    ...(row.lost > 0 ? [`${lossOf(row)} lost`] : []),
    ...(isTooLarge(row) ? [`a file of ${Math.round(row.largest / MAX_BYTES)} MiB`] : []),
  ].join(", ");
const lossOf = (row) => (row.lost === 0 ? "none" : `${share(row).toFixed(share(row) < 1 ? 2 : 1)} %`);

function throughput(results) {
  const height = 460;
  const rates = results.map(({ rate }) => Math.max(rate, 1));
  const domain = [Math.min(...rates), Math.max(...rates)];
  const last = at(results, atMost(results)).toSorted((a, b) => b.rate - a.rate);
  const losers = new Set(results.filter(({ lost }) => lost > 0).map(({ name }) => name));
  const colour = (row) => colourOf({ ...row, lost: losers.has(row.name) ? 1 : 0 });
  const counts = [...new Set(results.map(({ processes }) => processes))];
  const places = apart(
    last.map(({ rate }) => rate),
    domain,
    height - 70,
  );
  // A place of its own for the names, to which a thin line leads from the last point.
  const names = last.map((row, i) => ({ ...row, place: places[i], from: row.processes, to: "" }));
  return Plot.plot({
    ...SIZE,
    ariaLabel: "Records per second by the number of processes that write one log",
    marginLeft: 70,
    marginRight: widest(last.map(({ name }) => name)),
    marginTop: 30,
    marginBottom: 40,
    height,
    x: { label: "processes that write one log", type: "point", domain: [...counts, ""], padding: 0.1 },
    y: { label: "records/s", type: "log", grid: true, ticks: decades(domain), tickFormat: short, domain },
    marks: [
      Plot.line(results, {
        x: "processes",
        y: "rate",
        z: "name",
        stroke: colour,
        strokeWidth: ({ isOurs }) => (isOurs ? 3 : 1.2),
      }),
      Plot.dot(results, { x: "processes", y: "rate", fill: colour, r: 3 }),
      Plot.link(names, { x1: "from", x2: "to", y1: "rate", y2: "place", stroke: colour, strokeWidth: 0.5 }),
      Plot.text(names, { x: "to", y: "place", text: "name", textAnchor: "start", dx: 5, fill: colour }),
    ],
  });
}

const LINE_HEIGHT = 15;

/** Where labels stand beside these values, the largest first, without covering each other, on a logarithmic axis. */
function apart(values, [lowest, highest], pixels) {
  const perUnit = pixels / Math.log(highest / lowest);
  let below = Number.NEGATIVE_INFINITY;
  const down = values.map((value) => {
    below = Math.max(below + LINE_HEIGHT, Math.log(highest / value) * perUnit);
    return below;
  });
  const tooFar = Math.max(0, below - pixels);
  return down.map((y) => highest / Math.exp((y - tooFar) / perUnit));
}

function latencies(rows) {
  const points = rows.flatMap(({ latency, ...row }) =>
    Object.entries(latency).map(([quantile, microseconds]) => ({ ...row, quantile, microseconds })),
  );
  const domain = rows.toSorted((a, b) => a.latency.p99 - b.latency.p99).map(({ name }) => name);
  const times = points.map(({ microseconds }) => microseconds);
  const range = [Math.min(...times) / 1.5, Math.max(...times) * 1.5];
  return Plot.plot({
    ...SIZE,
    ariaLabel: "Microseconds of one call: p50, p99, p99.9 and the longest",
    height: 60 + 24 * rows.length,
    marginLeft: widest(domain),
    marginBottom: 40,
    marginTop: 30,
    x: {
      label: "microseconds of one call (logarithmic)",
      type: "log",
      grid: true,
      domain: range,
      ticks: decades(range),
      tickFormat: short,
    },
    y: { label: null, domain },
    marks: [
      Plot.ruleY(rows, {
        y: "name",
        x1: ({ latency }) => latency.p50,
        x2: ({ latency }) => latency.max,
        stroke: colourOf,
      }),
      Plot.dot(points, { y: "name", x: "microseconds", fill: colourOf, r: 3.5 }),
      // The dots of every row have this order; names at each would cover one another.
      Plot.text(
        points.filter(({ name }) => name === domain[0]),
        { y: "name", x: "microseconds", text: "quantile", dy: -14, fontSize: 11, fill: "#445" },
      ),
    ],
  });
}

const svg = (node) => {
  node.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return node.outerHTML;
};

/** For the README: how fast, and how much is lost, with the most processes. */
export function picture(results) {
  const rows = at(results, atMost(results)).filter(({ isLimit }) => !isLimit);
  const title = (text, y) =>
    `<text x="10" y="${y}" font-family="sans-serif" font-size="15" font-weight="bold">${text}</text>`;
  const fast = bars(rows, ({ rate }) => rate, { title: "Records per second", label: "records/s", format: rateOf });
  const height = Number(fast.getAttribute("height")) + 60;
  fast.setAttribute("y", "50");
  const colours = LEGEND.slice(0, 3);
  const starts = colours.map(
    (_, i) => 10 + colours.slice(0, i).reduce((sum, [, text]) => sum + widest([{ length: text.length }]) + 15, 0),
  );
  const legend = colours
    .map(
      ([colour, text], i) =>
        `<rect x="${starts[i]}" y="33" width="11" height="11" fill="${colour}"/><text x="${starts[i] + 16}" y="43" font-family="sans-serif" font-size="13">${text}</text>`,
    )
    .join("");
  const text = `${atMost(results)} processes, one log that is rotated at 1 MiB: records per second, and the share that was lost`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE.width}" height="${height}" viewBox="0 0 ${SIZE.width} ${height}"><rect width="100%" height="100%" fill="white"/>${title(text, 22)}${legend}${svg(fast)}</svg>\n`;
}

export function page(facts, results) {
  const most = atMost(results);
  const counts = [...new Set(results.map(({ processes }) => processes))].filter(
    (count) => count >= 4 || count === most,
  );
  const lossPlots = counts.map((count) => {
    const plot = bars(at(results, count), share, {
      title: `Records lost with ${count} processes`,
      label: "% of the records",
      format: lossOf,
    });
    return `<h3>${count} processes</h3>${svg(plot)}`;
  });
  const rows = at(results, most);
  const cells = (values, tag = "td") => values.map((value) => `<${tag}>${plain(String(value))}</${tag}>`).join("");
  const table = results.map((row) => {
    const { p50, p99, max, "p99.9": p999 } = row.latency;
    const figures = [
      whole(row.rate),
      lossOf(row),
      whole(row.doubled),
      row.largest === undefined ? "" : (row.largest / 1e6).toFixed(1), // not measured by older runs
      row.failed,
      ...[p50, p99, p999, max].map((us) => us.toFixed(1)),
      whole(row.memory / 1e6),
    ];
    return `<tr>${cells([row.name, row.processes, ...figures])}</tr>`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>concurrent-log-handler beside others</title>
<style>
  body { font: 15px/1.5 sans-serif; max-width: 900px; margin: 2em auto; padding: 0 1em; color: #222; }
  table { border-collapse: collapse; font-size: 13px; } td, th { padding: 2px 8px; text-align: right; border-bottom: 1px solid #ddd; } td:first-child, th:first-child { text-align: left; }
  svg { max-width: 100%; height: auto; }
</style>
<h1>One log, many processes</h1>
<p>Records of about 100 bytes, written for ${facts.seconds} seconds by 1 to ${most} processes to one log that is rotated at 1 MiB. The time until all of them are written counts. Medians of ${facts.rounds} interleaved rounds, ${plain(facts.date)}, ${facts.processors} × ${plain(facts.processor)}, ${plain(facts.system)}, Node ${plain(facts.node)}.
The limits are a bare append without lock or rotation, and a loop in C. Most others were made for one process, and say so; here they show what happens when several write.</p>
<p>${LEGEND.map(([colour, text]) => `<span style="color: ${colour}">■</span> ${text}`).join(" &nbsp; ")}</p>
<h2>Records lost</h2>
<p>Records that are in no file of the log afterwards, whole, though each writer has ended as its documentation says. bunyan and the limits do not rotate by size, so they have nothing to lose by it.</p>
${lossPlots.join("\n")}
<h2>Records per second</h2>
${svg(throughput(results))}
<h2>Time of one call, ${most} processes</h2>
<p>As the caller sees it: p50, p99, p99.9 and the longest, of the slowest writer. Where the call only puts the record into memory, the record is not in the file when it returns.</p>
${svg(latencies(rows))}
<h2>Memory of the largest writer, ${most} processes</h2>
${svg(bars(rows, ({ memory }) => memory / 1e6, { title: "Memory of the largest writer", label: "MB", format: ({ memory }) => whole(memory / 1e6) }))}
<h2>All figures</h2>
<table><tr>${cells(["", "processes", "records/s", "lost", "doubled", "largest file, MB", "crashed", "p50 µs", "p99", "p99.9", "max", "MB"], "th")}</tr>
${table.join("\n")}
</table>
</html>
`;
}

function plain(text) {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

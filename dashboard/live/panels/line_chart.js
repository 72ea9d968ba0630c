// A small chart over time (uPlot) with shared cursor; times out of sync are hatched.
import uPlot from "../library/uplot.js";
import { el, panel, setText } from "../lib/dom.js";
import { register } from "../lib/draw.js";
import { clock, ticks } from "../lib/format.js";
import { markTrust } from "../lib/trust.js";

// `lines`: `{label, field, colour, bars}`, named in a legend where there are several; `points()` as `createSeries` has
// them; `group` shares the cursor; `sized`: values are in the unit of the book; `brief`: thousands as k, M, G.
export function lineChart(context, book, { title, name, lines, points, span, group, zero = false, sized = false, brief = true }) {
  const legend = lines.length > 1 ? el("span.legend", {}, ...lines.map(legendItem)) : null;
  const { element, body, head } = panel(title, name, legend);
  const frame = el("div.chart-frame");
  body.append(frame);
  let plot = null;
  let columns = [];

  function options() {
    const { theme } = context;
    const axis = { stroke: theme.color("muted"), grid: { stroke: theme.color("grid"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
    return {
      width: Math.max(50, frame.clientWidth),
      height: Math.max(40, frame.clientHeight),
      legend: { show: false },
      padding: [6, 28, 0, 0],
      cursor: { sync: { key: group }, y: false, drag: { x: false, y: false }, points: { size: 5 } },
      scales: {
        x: { time: false, range: () => [context.now() / 1000 - span().seconds, context.now() / 1000] },
        y: { range: (_, low, high) => limits(low, high, zero) },
      },
      axes: [
        { ...axis, size: 18, space: 70, values: (_, times) => times.map((time) => clock(time * 1000)) },
        { ...axis, size: 64, space: 24, values: (_, values) => ticks(values, brief) },
      ],
      series: [{}, ...lines.map((line) => ({
        stroke: theme.color(line.colour), width: 1.25, points: { show: false }, label: line.label, spanGaps: false,
        ...(line.bars ? { paths: uPlot.paths.bars({ size: [0.8, 6] }), fill: theme.color(line.colour), width: 0 } : {}),
      }))],
      hooks: { drawClear: [(drawn) => hatch(drawn, columns, theme)] },
    };
  }
  function build() {
    plot?.destroy();
    frame.replaceChildren();
    plot = new uPlot(options(), data(), frame);
  }
  function data() {
    columns = points();
    return [columns.map((point) => point.time), ...lines.map((line) => columns.map((point) => point[line.field]))];
  }
  function draw() {
    markTrust(element, book.trust());
    if (sized && book.unit) setText(head.firstChild, `${title}, ${book.unit}`);
    if (!plot) build();
    else plot.setData(data());
  }
  const drawing = register(draw);
  const resized = new ResizeObserver(() => {
    if (plot && frame.clientWidth) plot.setSize({ width: frame.clientWidth, height: Math.max(40, frame.clientHeight) });
  });
  resized.observe(frame);
  const endTheme = context.theme.onChange(() => (plot ? build() : null));
  return {
    element,
    changed: drawing.changed,
    remove() {
      resized.disconnect();
      endTheme();
      drawing.remove();
      plot?.destroy();
    },
  };
}

function legendItem({ label, colour }) {
  const item = el("span.legend-item", {}, label);
  item.style.setProperty("--colour", `var(--${colour})`);
  return item;
}

function limits(low, high, zero) {
  if (low === null || high === null || !Number.isFinite(low)) return [-1, 1];
  if (zero) [low, high] = [Math.min(0, low), Math.max(0, high)];
  const margin = (high - low) * 0.08 || Math.abs(high) * 1e-4 || 1;
  return [low - margin, high + margin];
}

// Stripes over the times at which the book was not to be trusted.
function hatch(plot, points, theme) {
  const { left, top, width, height } = plot.bbox;
  const pen = plot.ctx;
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  pen.fillStyle = theme.color("warn-soft");
  for (let place = 0; place < points.length; place += 1) {
    if (!points[place].out) continue;
    const from = plot.valToPos(points[place].time, "x", true);
    const next = points[place + 1];
    const to = next ? plot.valToPos(next.time, "x", true) : left + width;
    pen.fillRect(from, top, Math.max(1, to - from), height);
  }
  pen.restore();
}

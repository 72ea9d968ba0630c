// Price: microprice as a line, trades as points, alerts as markers at their times with flags above.
import { createChart, createSeriesMarkers, LineSeries, TickMarkType } from "../library/lightweight-charts.js";
import { el, panel } from "../lib/dom.js";
import { register } from "../lib/draw.js";
import { clock, digitsOf, fixed } from "../lib/format.js";
import { markTrust } from "../lib/trust.js";
import { alertFlags, LANES_PX } from "./alert_flags.js";

const MAX_MARKERS = 200;

// `points()`: points of the span as `createSeries` has them. The picture follows the time until somebody moves it.
export function priceChart(context, book, points, ...tools) {
  const { element, body } = panel("Price, trades, alerts", "price", ...tools);
  const frame = el("div.chart-frame");
  body.append(frame);
  const chart = createChart(frame, { autoSize: true, ...looks(context.theme) });
  const line = chart.addSeries(LineSeries, { lineWidth: 1, priceLineVisible: false, crosshairMarkerVisible: false });
  const dots = { lineVisible: false, pointMarkersVisible: true, pointMarkersRadius: 2, lastValueVisible: false, priceLineVisible: false };
  const buys = chart.addSeries(LineSeries, dots);
  const sells = chart.addSeries(LineSeries, dots);
  const markers = createSeriesMarkers(line, []);
  const alerts = new Map();
  let entered = []; // beginnings of alerts in the picture
  const flags = alertFlags(() => entered, () => {
    const [back, high, medium] = ["panel", "ask", "warn"].map((name) => context.theme.color(name));
    return { panel: back, high, medium };
  });
  line.attachPrimitive(flags);
  let digits = 0;
  let following = true;
  const stop = () => (following = false);
  const follow = () => ((following = true), drawing.changed());
  frame.addEventListener("wheel", stop, { passive: true });
  frame.addEventListener("pointerdown", stop);
  frame.addEventListener("dblclick", follow);

  function colour() {
    chart.applyOptions(looks(context.theme));
    line.applyOptions({ color: context.theme.color("line-1") });
    buys.applyOptions({ color: context.theme.color("bid") });
    sells.applyOptions({ color: context.theme.color("ask") });
    drawing.changed();
  }
  function draw() {
    const trust = book.trust();
    markTrust(element, trust);
    line.applyOptions({ lastValueVisible: trust.trusted });
    const found = points();
    const of = (field) => found.filter((point) => point[field] !== null).map((point) => ({ time: point.time, value: point[field] }));
    const wanted = digitsOf([book.record?.best_bid, book.record?.best_ask]);
    if (wanted > digits) {
      digits = wanted;
      const priceFormat = { type: "custom", formatter: (value) => fixed(value, digits), minMove: 10 ** -digits };
      for (const series of [line, buys, sells]) series.applyOptions({ priceFormat });
    }
    line.setData(found.map((point, place) => linePoint(point, found[place + 1])));
    buys.setData(of("buy"));
    sells.setData(of("sell"));
    const first = found[0]?.time ?? 0;
    const shown = [...alerts.values()].filter((alert) => alert.event_time / 1000 >= first);
    entered = shown.filter(isEntered).map((alert) => ({ ...alert, time: timeOf(alert) }));
    markers.setMarkers(shown.map((alert) => marker(alert, context.theme)));
    const top = entered.length ? (LANES_PX + 8) / Math.max(frame.clientHeight, 2 * LANES_PX) : 0.08;
    line.priceScale().applyOptions({ scaleMargins: { top, bottom: 0.08 } });
    if (following) chart.timeScale().fitContent();
  }
  const drawing = register(draw);
  const endTheme = context.theme.onChange(colour);
  colour();
  const panelOf = {
    element,
    changed: drawing.changed,
    addAlert(alert) {
      alerts.set(alert.id, alert);
      if (alerts.size > MAX_MARKERS) alerts.delete(alerts.keys().next().value);
      drawing.changed();
    },
    follow,
    // Beginnings of alerts with their place: `{time, rule, x}`; x is null outside the picture.
    markers: () => entered.map(({ time, rule }) => ({ time, rule, x: chart.timeScale().timeToCoordinate(time) })),
    // Drawn flags: `{text, left, width, lane}`.
    flags: flags.flags,
    remove() {
      endTheme();
      drawing.remove();
      chart.remove();
    },
  };
  element.panel = panelOf;
  return panelOf;
}

const valueOf = (point) => point.micro ?? point.mid;

// A point of the line, which ends before a time without a value.
function linePoint(point, next) {
  if (valueOf(point) === null) return { time: point.time };
  const ends = next && valueOf(next) === null;
  return { time: point.time, value: valueOf(point), ...(ends ? { color: "transparent" } : {}) };
}

const isEntered = (alert) => alert.phase !== "exit";
const timeOf = (alert) => Math.floor(alert.event_time / 1000);

function marker(alert, theme) {
  const begins = isEntered(alert);
  return {
    time: timeOf(alert),
    position: begins ? "aboveBar" : "belowBar",
    shape: begins ? "arrowDown" : "circle",
    color: theme.color(alert.severity === "high" ? "ask" : "warn"),
    size: begins ? 1 : 0.5,
  };
}

function looks(theme) {
  const grid = { color: theme.color("grid") };
  return {
    layout: {
      background: { color: theme.color("panel") }, textColor: theme.color("muted"), fontSize: 11,
      fontFamily: "system-ui, sans-serif", attributionLogo: false,
    },
    grid: { vertLines: grid, horzLines: grid },
    handleScroll: { vertTouchDrag: false }, // a phone scrolls the page
    rightPriceScale: { borderColor: theme.color("line") },
    timeScale: {
      borderColor: theme.color("line"), timeVisible: true, secondsVisible: true, rightOffset: 3,
      tickMarkFormatter: (time, kind) => (kind === TickMarkType.TimeWithSeconds ? clock(time * 1000) : clock(time * 1000).slice(0, 5)),
    },
    localization: { timeFormatter: (time) => clock(time * 1000) },
  };
}

// Symbol: one book in depth, its prices, metrics, trades and alerts.
import { followBook } from "../lib/book.js";
import { cleanups, el } from "../lib/dom.js";
import { createSeries, SPANS } from "../lib/series.js";
import { keyOf } from "../lib/symbols.js";
import { alertsFeed } from "../panels/alerts_feed.js";
import { figures } from "../panels/figures.js";
import { heatMap } from "../panels/heat_map.js";
import { ladder } from "../panels/ladder.js";
import { lineChart } from "../panels/line_chart.js";
import { priceChart } from "../panels/price_chart.js";

const CHARTS_MS = 250;
const REFRESH_MS = 10_000;
const REFRESH_S = 120;
let mounted = 0;

const CHARTS = [
  { title: "Imbalance", name: "imbalance", zero: true, lines: [{ label: "imbalance", field: "imbalance", colour: "line-1" }] },
  { title: "Order flow imbalance", name: "ofi", zero: true, sized: true, lines: [{ label: "OFI", field: "ofi", colour: "line-3", bars: true }] },
  { title: "Spread, bp", name: "spread", zero: true, lines: [{ label: "spread", field: "spread", colour: "line-2" }] },
  {
    title: "Price", name: "microprice", brief: false,
    lines: [{ label: "microprice", field: "micro", colour: "line-1" }, { label: "mid", field: "mid", colour: "line-2" }],
  },
  { title: "Volume delta (CVD)", name: "cvd", sized: true, lines: [{ label: "CVD", field: "cvd", colour: "line-4" }] },
];

function mount(root, context, key) {
  const steps = cleanups();
  let ended = false;
  steps.add(() => (ended = true));
  if (key) steps.add(open(root, context, key));
  else {
    context.api.get("/api/books").then(({ books }) => {
      if (ended) return;
      if (books.length) steps.add(open(root, context, keyOf(books[0].book)));
      else root.append(el("p.empty", {}, "No books yet."));
    }, (error) => root.append(el("p.empty", {}, error.message)));
  }
  return steps.run;
}

function open(root, context, key) {
  const steps = cleanups();
  const group = `symbol-${++mounted}`;
  let series = createSeries(context, key, SPANS[0]);
  let charts = [];
  let cached = null;
  const points = () => (cached ??= withVolumeDelta(series.points()));
  const book = followBook(context, key, (record, trust) => {
    if (record) series.addRecord(record, trust);
    head.changed();
    depth.changed();
    if (trust.trusted !== shownTrust) charts.forEach((chart) => chart.changed());
    shownTrust = trust.trusted;
  });
  let shownTrust = null;
  const head = figures(context, book, el("h1", {}, bookSelector(context, key)));
  const depth = ladder(book);
  const heat = heatMap(context, book);
  const note = el("span.note");
  const price = priceChart(context, book, points, note, spanSelector(choose));
  const small = CHARTS.map((chart) => lineChart(context, book, { ...chart, points, group, span: () => series.span }));
  const alerts = alertsFeed(context, key, price.addAlert);
  charts = [heat, price, ...small];

  async function choose(span) {
    if (span !== series.span) {
      series.end();
      series = createSeries(context, key, span);
    }
    const chosen = series;
    await chosen.load();
    if (chosen !== series) return;
    note.textContent = chosen.note;
    redraw();
    price.follow();
  }
  function redraw() {
    cached = null;
    series.carry(book.record, book.trust());
    price.changed();
    small.forEach((chart) => chart.changed());
  }
  const timer = setInterval(redraw, CHARTS_MS);
  const refresh = setInterval(() => series.load(REFRESH_S), REFRESH_MS);
  const endTrades = context.live.subscribe("trades", key, (event, trade) => event === "trade" && series.addTrade(trade));
  const grid = el("div.symbol-grid", {}, depth.element, el("div.symbol-middle", {}, heat.element, price.element),
    el("div.symbol-right", {}, ...small.map((chart) => chart.element)));
  root.append(el("div.symbol-screen", {}, head.element, grid), alerts.element);
  choose(SPANS[0]);
  steps.add(book.end, endTrades, series.end, () => clearInterval(timer), () => clearInterval(refresh));
  steps.add(...[head, depth, alerts, ...charts].map((each) => each.remove));
  return () => {
    series.end();
    steps.run();
  };
}

// Points with the sum of signed volumes.
function withVolumeDelta(points) {
  let sum = 0;
  let any = false;
  for (const point of points) {
    any ||= point.flow !== null;
    sum += point.flow ?? 0;
    point.cvd = any ? sum : null;
  }
  return points;
}

// A choice of all books; a choice follows a link, so that the host of the page decides how it opens.
function bookSelector(context, key) {
  const select = el("select", { "aria-label": "Book" }, el("option", { value: key }, key));
  const link = el("a", { hidden: true });
  select.addEventListener("change", () => {
    link.href = `#${select.value}`;
    link.click();
  });
  context.api.get("/api/data/products").then(({ products }) => {
    const keys = products.filter((product) => product.type === "book").map(keyOf).sort();
    if (!keys.includes(key)) return;
    select.replaceChildren(...keys.map((each) => el("option", { value: each, selected: each === key }, each)));
  }, () => null);
  return el("span", {}, select, link);
}

function spanSelector(choose) {
  const buttons = SPANS.map((span) =>
    el("button", { type: "button", "aria-pressed": String(span === SPANS[0]), "data-span": span.id, onclick: (event) => pressed(event.target, span) }, span.title),
  );
  function pressed(button, span) {
    buttons.forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
    choose(span);
  }
  return el("span.choices", { role: "group", "aria-label": "Span" }, ...buttons);
}

export const page = { id: "symbol", title: "Symbol", mount };

// One coin over its venues: prices, spreads, and the distance of each from the mean.
import { cleanups, el, panel, setText } from "../lib/dom.js";
import { register } from "../lib/draw.js";
import { digitsOf, fixed, points, signed, sized } from "../lib/format.js";
import { coinOf, keyOf } from "../lib/symbols.js";
import { distrust, markTrust } from "../lib/trust.js";

const INTERVAL_MS = 250;
const HEADS = ["Venue", "Symbol", "Bid", "Ask", "Spread bp", "Mid to mean bp", "Bid depth", "Ask depth"];

// `books()`: the books that are followed, as `followBook` returns them.
export function comparison(context, books) {
  const choice = el("span.choices", { role: "group", "aria-label": "Coin" });
  const { element, body } = panel("One coin over venues", "comparison", choice);
  const rows = el("tbody");
  const head = el("tr", {}, ...HEADS.map((title, place) => el("th", { className: place > 1 ? "number" : "", scope: "col" }, title)));
  body.append(el("table", {}, el("thead", {}, head), rows), el("p.note", {}, "Underlined: highest bid and lowest ask of trusted books."));
  const steps = cleanups();
  let chosen = null;
  let shown = "";
  const lines = new Map();

  function coins() {
    const counts = new Map();
    for (const book of books()) counts.set(coinOf(book.symbol), (counts.get(coinOf(book.symbol)) ?? 0) + 1);
    return [...counts].sort((one, other) => other[1] - one[1] || (one[0] < other[0] ? -1 : 1)).map(([coin]) => coin);
  }
  function drawChoice() {
    const all = coins();
    if (!all.length || shown === all.join()) return;
    shown = all.join();
    chosen = all.includes(chosen) ? chosen : all[0];
    const choose = (coin) => {
      chosen = coin;
      shown = "";
      drawing.changed();
    };
    const buttons = all.slice(0, 8).map((coin) =>
      el("button", { type: "button", "aria-pressed": String(coin === chosen), onclick: () => choose(coin) }, coin),
    );
    choice.replaceChildren(...buttons);
    lines.clear();
    rows.replaceChildren();
  }
  const compared = () => books().filter((book) => coinOf(book.symbol) === chosen && book.record);
  function draw() {
    drawChoice();
    const wanted = compared();
    const mids = wanted.filter((book) => book.trust().trusted).map((book) => book.record.mid).filter(Number.isFinite);
    const mean = mids.reduce((sum, mid) => sum + mid, 0) / mids.length;
    const best = { bid: Math.max(...trusted(wanted, "best_bid")), ask: Math.min(...trusted(wanted, "best_ask")) };
    for (const book of wanted) drawLine(book, mean, best);
  }
  function drawLine(book, mean, best) {
    const { record } = book;
    if (!lines.has(book.key)) {
      const cells = HEADS.map((_, place) => el("td", { className: place > 1 ? "number" : "" }));
      cells[0].append(book.venue);
      cells[1].append(el("a", { href: `#${keyOf(record)}` }, book.symbol));
      const row = el("tr", { "data-key": book.key }, ...cells);
      rows.append(row);
      lines.set(book.key, { row, cells });
    }
    const { row, cells } = lines.get(book.key);
    const trust = book.trust();
    markTrust(row, trust);
    row.title = trust.trusted ? "" : distrust(trust);
    const digits = digitsOf([record.best_bid, record.best_ask]);
    setText(cells[2], fixed(record.best_bid, digits));
    setText(cells[3], fixed(record.best_ask, digits));
    cells[2].classList.toggle("best", trust.trusted && record.best_bid === best.bid);
    cells[3].classList.toggle("best", trust.trusted && record.best_ask === best.ask);
    setText(cells[4], points(record.spread_bps));
    setText(cells[5], signed((1e4 * (record.mid - mean)) / mean, 2));
    setText(cells[6], sized(record.bid_depth, book.unit));
    setText(cells[7], sized(record.ask_depth, book.unit));
  }
  const drawing = register(draw);
  const timer = setInterval(drawing.changed, INTERVAL_MS);
  steps.add(() => clearInterval(timer), drawing.remove);
  return { element, compared, remove: steps.run };
}

const trusted = (books, field) => books.filter((book) => book.trust().trusted).map((book) => book.record[field] ?? NaN);

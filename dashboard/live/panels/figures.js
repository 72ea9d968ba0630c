// Figures of one book in a line: price, spread, microprice, imbalance, order flow imbalance, depth, state and age.
import { el, setText } from "../lib/dom.js";
import { register } from "../lib/draw.js";
import { age, digitsOf, fixed, points, signed } from "../lib/format.js";
import { distrust, distrustFor } from "../lib/trust.js";

const FIGURES = [
  ["Mid", "mid"], ["Microprice", "microprice"], ["Spread", "spread"], ["Spread bp", "spread_bps"], ["Imbalance", "imbalance"],
  ["OFI", "ofi"], ["Bid depth", "bid_depth"], ["Ask depth", "ask_depth"],
];
const SIZES = ["ofi", "bid_depth", "ask_depth"]; // in the unit of the book
const AGES_MS = 250;

// `book`: as `followBook` returns it; `name`: an element in place of its name.
export function figures(context, book, name = el("h1", {}, book.symbol, " ", el("span.venue", {}, book.venue))) {
  const [values, units] = [new Map(), []];
  const items = FIGURES.map(([title, field]) => {
    const value = el("dd.number", { "data-field": field });
    values.set(field, value);
    const unit = SIZES.includes(field) ? el("span.unit") : null;
    if (unit) units.push(unit);
    return el(`div.figure.figure-${field}`, {}, el("dt", {}, title), el("div.figure-value", {}, value, unit));
  });
  const state = el("dd.state");
  const old = el("dd.number");
  const update = el("dd.number", { "data-field": "update_id" });
  values.set("update_id", update);
  items.push(el("div.figure.figure-age", {}, el("dt", {}, "Age"), old), el("div.figure.figure-state", {}, el("dt", {}, "State"), state));
  items.push(el("div.figure.figure-update_id", {}, el("dt", {}, "Update"), update));
  const element = el("section.panel.panel-figures", { "aria-label": "Figures" }, name, el("dl", {}, ...items));
  let digits = 0;

  function draw() {
    const { record } = book;
    const trust = book.trust();
    setText(state, trust.trusted ? "synced" : distrust(trust));
    state.title = state.textContent;
    context.headline.set(trust.trusted ? "book synced" : `book ${distrustFor(trust, context.now())}`, trust.trusted);
    for (const unit of units) setText(unit, book.unit);
    state.classList.toggle("bad", !trust.trusted);
    element.classList.toggle("untrusted", !trust.trusted);
    setText(old, age(book.age()));
    if (!record) return;
    digits = Math.max(digits, digitsOf([record.best_bid, record.best_ask]));
    element.dataset.updateId = record.update_id;
    const texts = {
      mid: fixed(record.mid, digits + 1), microprice: fixed(record.microprice, digits + 1), spread: fixed(record.spread, digits),
      spread_bps: points(record.spread_bps), imbalance: signed(record.imbalance, 3), ofi: signed(record.ofi, 3),
      bid_depth: fixed(record.bid_depth, 3), ask_depth: fixed(record.ask_depth, 3), update_id: String(record.update_id),
    };
    for (const [field, value] of values) setText(value, texts[field]);
    values.get("imbalance").className = `number ${record.imbalance < 0 ? "ask" : "bid"}`;
    values.get("ofi").className = `number ${record.ofi < 0 ? "ask" : "bid"}`;
  }
  const drawing = register(draw);
  const timer = setInterval(drawing.changed, AGES_MS);
  drawing.changed();
  return {
    element,
    changed: drawing.changed,
    remove() {
      clearInterval(timer);
      drawing.remove();
    },
  };
}

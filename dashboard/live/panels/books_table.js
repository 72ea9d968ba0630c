// Table of all books: price, spread, imbalance, sparkline, state and age of each.
import { followBook } from "../lib/book.js";
import { cleanups, el, panel, setText } from "../lib/dom.js";
import { register } from "../lib/draw.js";
import { age, digitsOf, fixed, points, signed, sized } from "../lib/format.js";
import { createSpark } from "../lib/spark.js";
import { keyOf, partsOf } from "../lib/symbols.js";
import { distrust, distrustFor, markTrust } from "../lib/trust.js";

const HEADS = [
  ["Book", ""], ["Bid size", "number extra-wide"], ["Bid", "number medium"], ["Mid", "number"], ["Ask", "number medium"],
  ["Ask size", "number extra-wide"], ["Spread bp", "number"], ["Imbalance", "center"], ["2 min", "center wide"], ["State", "medium"],
  ["Age", "number medium"],
];
const AGES_MS = 500;
const SPARK_MS = 120_000;
const NEW_BOOKS_MS = 5000;

// `onBook(book)` is called for each row that is added.
export function booksTable(context, onBook = () => {}) {
  const { element, body } = panel("Books", "books");
  const rows = el("tbody");
  const head = el("tr", {}, ...HEADS.map(([title, classes]) => el("th", { className: classes, scope: "col" }, title)));
  body.append(el("table.books", {}, el("thead", {}, head), rows));
  const steps = cleanups();
  const known = new Map();

  function add(key) {
    if (known.has(key)) return;
    const row = bookRow(context, key);
    known.set(key, row);
    const after = [...known.keys()].sort().find((other) => other > key && known.get(other) !== row);
    rows.insertBefore(row.element, after ? known.get(after).element : null);
    prefill(row);
    steps.add(row.remove);
    onBook(row.book);
  }
  // The sparkline's last minutes from history, for accounts that may read it.
  async function prefill(row) {
    const query = new URLSearchParams({ from: context.now() - SPARK_MS, resolution: "1s" });
    const answer = await context.api.get(`${context.api.bookPath(row.book.key, "/history")}?${query}`).catch(() => null);
    row.prefill(answer?.windows ?? []);
  }
  async function load() {
    const { books } = await context.api.get("/api/books");
    books.forEach(({ book }) => add(keyOf(book)));
    if (!books.length && !known.size) setText(element.querySelector("h2"), "Books: none yet");
    else setText(element.querySelector("h2"), `Books (${known.size})`);
  }
  // In the header: how many books are not to be trusted, and why where it is one.
  function tellTrust() {
    const bad = [...known.values()].map(({ book }) => [book, book.trust()]).filter(([, trust]) => !trust.trusted);
    const [[book, trust] = []] = bad;
    if (!known.size) context.headline.set("");
    else if (!bad.length) context.headline.set(`${known.size} books synced`);
    else if (bad.length > 1) context.headline.set(`${bad.length} of ${known.size} books not trusted`, false);
    else context.headline.set(`${book.key} ${distrustFor(trust, context.now())}`, false);
  }
  const poll = setInterval(() => load().catch(() => null), NEW_BOOKS_MS);
  const ages = setInterval(() => {
    known.forEach((row) => row.tick());
    tellTrust();
  }, AGES_MS);
  load().catch((error) => setText(element.querySelector("h2"), `Books: ${error.message}`));
  steps.add(() => clearInterval(poll), () => clearInterval(ages));
  steps.add(context.theme.onChange(() => known.forEach((row) => row.redraw())));
  rows.addEventListener("keydown", moveFocus);
  return { element, books: () => [...known.values()].map((row) => row.book), remove: steps.run };
}

function moveFocus(event) {
  const row = event.target.closest("tr");
  const next = { ArrowDown: "nextElementSibling", j: "nextElementSibling", ArrowUp: "previousElementSibling", k: "previousElementSibling" };
  if (next[event.key]) {
    event.preventDefault();
    row[next[event.key]]?.focus();
  } else if (event.key === "Enter" && event.target === row) {
    row.querySelector("a").click();
  }
}

function bookRow(context, key) {
  const { venue, symbol } = partsOf(key);
  const cells = HEADS.map(([, classes]) => el("td", { className: classes }));
  const [name, bidSize, bid, mid, ask, askSize, spread, imbalance, spark, state, old] = cells;
  const link = el("a", { href: `#${key}`, tabIndex: -1 }, symbol);
  const note = el("span.row-note"); // on a phone, in place of state and age
  name.append(link, " ", el("span.venue", {}, venue), note);
  const bar = imbalanceBar();
  imbalance.append(bar.element);
  const canvas = el("canvas.spark", { "aria-hidden": "true" });
  spark.append(canvas);
  const line = createSpark(canvas, context);
  const element = el("tr", { tabIndex: 0, "data-key": key, onclick: (event) => event.target !== link && link.click() }, ...cells);
  markTrust(element, null); // until its first drawing
  for (const [cell, field] of [[bid, "best_bid"], [mid, "mid"], [ask, "best_ask"], [spread, "spread_bps"], [imbalance, "imbalance"]]) {
    cell.dataset.field = field;
  }
  bid.classList.add("bid");
  ask.classList.add("ask");
  let digits = 0;

  function draw() {
    const record = book.record;
    const trust = book.trust();
    markTrust(element, trust);
    setText(state, trust.trusted ? "synced" : distrust(trust));
    setText(note, trust.trusted ? "" : distrust(trust));
    state.title = state.textContent;
    drawAge();
    if (!record) return;
    element.dataset.updateId = record.update_id;
    digits = Math.max(digits, digitsOf([record.best_bid, record.best_ask]));
    setText(bidSize, sized(record.best_bid_size, book.unit));
    setText(bid, fixed(record.best_bid, digits));
    setText(mid, fixed(record.mid, digits + 1));
    setText(ask, fixed(record.best_ask, digits));
    setText(askSize, sized(record.best_ask_size, book.unit));
    setText(spread, points(record.spread_bps));
    bar.set(record.imbalance);
    line.draw();
  }
  function drawAge() {
    setText(old, age(book.age()));
  }
  const drawing = register(draw);
  const book = followBook(context, key, (record) => {
    if (record) line.add(record.event_time, record.mid);
    drawing.changed();
  });
  drawing.changed();
  return {
    element,
    book,
    tick: () => (book.trust().trusted === element.classList.contains("untrusted") ? drawing.changed() : drawAge()),
    redraw: line.redraw,
    prefill(windows) {
      line.prefill(windows.map(({ time, microprice_last: price }) => [Math.floor(time / 1000), price]));
      drawing.changed();
    },
    remove() {
      book.end();
      drawing.remove();
    },
  };
}

// A bar from the middle: to the right for more bids, to the left for more asks.
export function imbalanceBar() {
  const fill = el("span.imbalance-fill");
  const text = el("span.imbalance-text.number");
  const element = el("span.imbalance", {}, el("span.imbalance-track", {}, fill), text);
  return {
    element,
    set(value) {
      setText(text, signed(value));
      const share = Number.isFinite(value) ? Math.max(-1, Math.min(1, value)) : 0;
      const style = `scaleX(${share.toFixed(3)})`;
      if (fill.style.transform !== style) fill.style.transform = style;
      fill.classList.toggle("negative", share < 0);
    },
  };
}

// Market: every book with price, spread, imbalance, state and age.
import { el } from "../lib/dom.js";
import { fixed } from "../lib/format.js";

function mount(root, context) {
  let ended = false;
  context.api.get("/api/books").then(({ books }) => {
    if (ended) return;
    const rows = books.map(({ book, freshness }) => {
      const key = `${book.venue}:${book.symbol}`;
      return el("tr", {}, el("td", {}, el("a", { href: `#${key}` }, key)), el("td.number", {}, fixed(book.mid, 2)),
        el("td", {}, freshness.state ?? ""));
    });
    root.append(el("table", {}, el("tbody", {}, ...rows)));
  });
  return () => (ended = true);
}

export const page = { id: "market", title: "Market", mount };

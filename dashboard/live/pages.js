// The pages in the order of the navigation. A page's module exports `page = {id, title, mount(root, context, key)}`.
export const pages = [
  { id: "market", title: "Market", load: () => import("./pages/market.js") },
  { id: "symbol", title: "Symbol", load: () => import("./pages/symbol.js") },
  { id: "options", title: "Options", load: () => import("./pages/options.js") },
  { id: "pipeline", title: "Pipeline", load: () => import("./pages/pipeline.js") },
  { id: "replay", title: "Replay", load: () => import("./pages/replay.js") },
];

// Page and key of a hash: `options:BTC` is the page options with BTC, `binance:BTCUSDT` the page symbol with that book.
export function route(hash) {
  const text = decodeURIComponent(hash.replace(/^#/, "")) || pages[0].id;
  const [head, ...rest] = text.split(":");
  const found = pages.find((page) => page.id === head);
  if (found) return { page: found, key: rest.join(":") };
  return { page: pages.find((page) => page.id === "symbol"), key: text };
}

// Addresses of Grafana's boards (deploy/grafana), one for each page.
const BOARDS = ["market", "symbol", "options", "pipeline"];

// The board of a page; of a book where the page shows one. `grafana`: Grafana's address. Other pages have its start page.
export function boardAddress(grafana, page, key = "") {
  const base = grafana.replace(/\/$/, "");
  if (!BOARDS.includes(page)) return base;
  const [venue, ...symbol] = key.split(":");
  const book = new URLSearchParams({ "var-venue": venue, "var-symbol": symbol.join(":") });
  return `${base}/d/depthflow-${page}${page === "symbol" && symbol.length ? `?${book}` : ""}`;
}

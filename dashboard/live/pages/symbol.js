// Symbol: one book.
import { el } from "../lib/dom.js";

function mount(root, context, key) {
  root.append(el("h1", {}, key || "no book chosen"));
  return () => {};
}

export const page = { id: "symbol", title: "Symbol", mount };

// A panel whose book is not to be trusted is hatched and shows the reason and the begin.
import { clock } from "./format.js";

// Mark an element by `{trusted, state, reason, since}`; `since` in epoch ms. Null or no state known is no trust.
export function markTrust(element, given) {
  const trusted = Boolean(given?.trusted);
  const text = trusted ? "" : distrust(given);
  if (element.dataset.trust === text) return;
  element.dataset.trust = text;
  element.classList.toggle("untrusted", !trusted);
  if (element.tagName === "TR") return; // a row has a cell for its state
  let note = element.querySelector(":scope > .trust-note");
  if (trusted) {
    note?.remove();
    return;
  }
  if (!note) {
    note = document.createElement("p");
    note.className = "trust-note";
    note.setAttribute("role", "status");
    element.append(note);
  }
  note.textContent = text;
}

// `gap: missing_update since 12:00:03`.
export function distrust(given) {
  if (!given) return "no state known";
  const { state, reason, since } = given;
  const why = reason && reason !== state ? `${state ?? "unknown"}: ${String(reason).replaceAll("_", " ")}` : state;
  return `${why ?? "no state known"}${since ? ` since ${clock(since)}` : ""}`;
}

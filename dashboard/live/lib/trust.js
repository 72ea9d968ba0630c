// A panel whose book is not to be trusted is hatched and shows the reason and the begin.
import { age, clock, words } from "./format.js";

// Mark an element by `{trusted, state, reason, since}`; `since` in epoch ms. Null or no state known is no trust. The
// reason stands in the panel's head, where it covers no axis; a row or a line of figures has a place of its own for it.
export function markTrust(element, given) {
  const trusted = Boolean(given?.trusted);
  const text = trusted ? "" : distrust(given);
  if (element.dataset.trust === text) return;
  element.dataset.trust = text;
  element.classList.toggle("untrusted", !trusted);
  const head = element.querySelector(":scope > .panel-head");
  if (!head) return;
  let note = head.querySelector(":scope > .trust-note");
  if (trusted) {
    note?.remove();
    return;
  }
  if (!note) {
    note = document.createElement("p");
    note.className = "trust-note";
    note.setAttribute("role", "status");
    head.insertBefore(note, head.lastChild);
  }
  note.textContent = note.title = text;
}

// Trust in values of an event time: what the gateway knew is no longer true when no newer ones have come.
export function agedTrust(known, eventTime, context) {
  if (!known.trusted || context.now() - eventTime <= context.staleAfter()) return known;
  return { trusted: false, state: "stale", reason: "no update", since: eventTime };
}

// `gap: missing update since 12:00:03`.
export function distrust(given) {
  const { name, why, since } = parts(given);
  return `${name}${why ? `: ${why}` : ""}${since ? ` since ${clock(since)}` : ""}`;
}

// The same for a line that is drawn again as time goes on: `gap 12 s: missing update`.
export function distrustFor(given, now) {
  const { name, why, since } = parts(given);
  return `${name}${since ? ` ${age(now - since)}` : ""}${why ? `: ${why}` : ""}`;
}

// A book in sync that is not to be trusted is too old: its reason has the age.
function parts(given) {
  const { state, reason, since } = given ?? {};
  if (!state) return { name: reason ? words(reason) : "no state known", why: "", since };
  if (state === "synced") return { name: "stale", why: reason, since: null };
  return { name: state, why: reason && reason !== state ? words(reason) : "", since };
}

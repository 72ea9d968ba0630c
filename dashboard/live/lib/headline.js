// State of what the page shows, for the host's header: beside the state of the connection, in words of its own.

// `set(text, trusted)`; an empty text is none. Handlers get `{text, trusted}`, the newest at once.
export function createHeadline() {
  const handlers = new Set();
  let shown = { text: "", trusted: true };
  return {
    set(text, trusted = true) {
      if (text === shown.text && trusted === shown.trusted) return;
      shown = { text, trusted };
      handlers.forEach((handler) => handler(shown));
    },
    onChange(handler) {
      handlers.add(handler);
      handler(shown);
      return () => handlers.delete(handler);
    },
  };
}

// The header's two states in their elements: `connected`, and `stale 12 s: nothing applied`. Only the connection is
// known while there is none. Returns `{connection(status), state({text, trusted})}`.
export function headerStates(connection, state) {
  let newest = { text: "", trusted: true };
  let connected = false;
  function draw() {
    connection.textContent = connected ? "connected" : "not connected";
    connection.dataset.state = connected ? "connected" : "away";
    state.hidden = !connected || !newest.text;
    state.textContent = state.title = newest.text;
    state.dataset.state = newest.trusted ? "trusted" : "untrusted";
  }
  return {
    connection: (status) => ((connected = status.connected), draw()),
    state: (given) => ((newest = given), draw()),
  };
}

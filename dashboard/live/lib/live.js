// The live socket: one connection, subscriptions that share rooms, and the status of the connection.
import { io } from "../library/socket.io.js";
import { createRooms } from "./rooms.js";

const PROBE_MS = 500; // a request detects a gateway that hangs, long before the socket's own ping does
const SILENCE_MS = 800;
const PROBE_TIMEOUT_MS = 1000;
const RETRY_MS = 1000;
const EVENTS = [
  "book_update", "book_record", "trade", "underlying_update", "chain_summary", "chain_update", "alert", "status", "dropped",
];

// `tokens(renew)`: a token or null. `health`: address of REST, which is probed while the socket is silent.
export function createLive({ base, health = base, tokens, onLogin = () => {}, now = Date.now }) {
  const rooms = createRooms((verb, room) => socket.connected && socket.emit(verb, room));
  const handlers = new Set();
  let status = { connected: false, since: now(), feed: "synced", feedReason: "" };
  let used = null; // the token of the last handshake
  let receivedMs = Date.now(); // time of the last message or answer
  let closed = false;
  const socket = io(base, {
    transports: ["websocket"],
    reconnectionDelay: 250,
    reconnectionDelayMax: 1500,
    timeout: 3000,
    auth: (give) => tokens(false).then((token) => give((used = token) ? { token } : {}), () => give({})),
  });

  function update(changed) {
    const before = status;
    status = { ...status, ...changed };
    if (JSON.stringify(before) !== JSON.stringify(status)) handlers.forEach((handler) => handler(status));
  }
  const connected = () => update({ connected: true, since: null });
  const away = () => status.connected || status.since === null ? update({ connected: false, since: now() }) : null;

  socket.on("connect", () => rooms.all().forEach((room) => socket.emit("subscribe", room)));
  socket.on("connected", ({ feed }) => {
    connected();
    update({ feed, feedReason: feed === "synced" ? "" : "no connection to Redis: values are not updated" });
  });
  socket.on("disconnect", (reason) => {
    away();
    if (reason === "io server disconnect") retry(); // the token has expired
  });
  socket.on("connect_error", () => {
    away();
    if (!socket.active) retry(); // refused, for instance because of the token
  });
  socket.on("error", ({ detail }) => rooms.refused(detail));
  for (const event of EVENTS) {
    socket.on(event, (payload) => {
      if (event === "status" && payload.feed) {
        update({ feed: payload.state, feedReason: payload.trusted ? "" : payload.reason });
      } else {
        rooms.dispatch(event, payload);
      }
    });
  }
  socket.onAny(() => {
    receivedMs = Date.now();
    if (!status.connected) connected(); // a gateway that hung has recovered
  });

  // Connect again with a newer token than the one that was refused or has expired.
  async function retry() {
    const newest = await tokens(false).catch(() => null);
    const newer = newest !== null && newest !== used;
    if (!newer && (await tokens(true).catch(() => null)) === null) {
      const answer = await fetch(new URL("/live/settings.json", health)).then((found) => found.json(), () => null);
      if (answer?.auth === "required") return onLogin();
    }
    setTimeout(() => !closed && !socket.connected && socket.connect(), newer ? 0 : RETRY_MS);
  }

  let probing = false;
  const timer = setInterval(async () => {
    if (probing || !socket.connected || Date.now() - receivedMs < SILENCE_MS) return;
    probing = true;
    try {
      await fetch(new URL("/health", health), { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS), cache: "no-store" });
      receivedMs = Date.now();
      if (socket.connected) connected();
    } catch {
      if (Date.now() - receivedMs >= SILENCE_MS) away();
    }
    probing = false;
  }, PROBE_MS);

  return {
    // Handler `(event, payload)` for the events of a room: type book, record, trades, product, chain, alerts or status.
    // The newest values come first. Handlers of a book or chain get its `status` as well. Returns a function that ends
    // the subscription.
    subscribe: (type, symbol, handler) => rooms.subscribe(type, symbol ?? "", handler),
    // Handler of `{connected, since, feed, feedReason}`; `since`: epoch ms at which the connection was lost.
    onStatus(handler) {
      handlers.add(handler);
      handler(status);
      return () => handlers.delete(handler);
    },
    // Newest known state `{trusted, state, reason, since}` of `venue:symbol`.
    stateOf: (key) => rooms.stateOf(key),
    get status() {
      return status;
    },
    // Connect with a new token, after a login.
    reconnect() {
      socket.disconnect();
      socket.connect();
    },
    close() {
      closed = true;
      clearInterval(timer);
      socket.close();
    },
  };
}

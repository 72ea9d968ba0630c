// Subscriptions by room. Several handlers share one room of the gateway; a later one gets the newest values at once.

const NEWEST_ALERTS = 100; // kept for handlers that come later
const upper = (text) => String(text ?? "").toUpperCase();

// Name of a room: the symbol of a book in upper case, as the gateway writes it.
export function roomName(type, symbol) {
  const [venue, ...rest] = String(symbol).split(":");
  return rest.length ? `${type}|${venue}:${upper(rest.join(":"))}` : `${type}|${upper(symbol)}`;
}

// Rooms in which an event belongs, and the key under which it replaces an older one, if it does.
function placesOf(event, payload) {
  const book = `${payload.venue}:${upper(payload.symbol)}`;
  const product = upper(payload.product ?? payload.symbol);
  switch (event) {
    case "book_update":
      return [[`book|${book}`], event];
    case "book_record":
      return [[`record|${book}`], event];
    case "trade":
      return [[`trades|${book}`], undefined];
    case "underlying_update":
      return [[`product|${product}`], event];
    case "chain_summary":
      return [[`product|${product}`, `chain|${product}`], `${event} ${payload.expiry}`];
    case "chain_update":
      return [[`chain|${product}`], `${event} ${payload.expiry}`];
    case "alert":
      return [["alerts|", `alerts|${book}`], undefined];
    case "status":
      return [["status|", `book|${book}`, `record|${book}`, `product|${product}`, `chain|${product}`], `status ${book}`];
    default:
      return [["status|"], undefined];
  }
}

// `emit(verb, {type, symbol})` joins or leaves a room of the gateway.
export function createRooms(emit) {
  const rooms = new Map(); // name → {type, symbol, handlers, newest: Map}
  const states = new Map();
  const seen = new Set();
  const alerts = [];

  function deliver(name, event, payload, key) {
    const room = rooms.get(name);
    if (!room) return;
    if (key !== undefined) room.newest.set(key, [event, payload]);
    for (const handler of [...room.handlers]) run(handler, event, payload);
  }

  const alertsOf = (name) =>
    alerts
      .filter((alert) => placesOf("alert", alert)[0].includes(name))
      .sort((one, other) => one.event_time - other.event_time);

  return {
    subscribe(type, symbol, handler) {
      const name = roomName(type, symbol);
      let room = rooms.get(name);
      const first = !room;
      if (first) {
        room = { type, symbol, handlers: new Set(), newest: new Map() };
        rooms.set(name, room);
      }
      const entry = (event, payload) => handler(event, payload);
      room.handlers.add(entry);
      if (first && type !== "status") emit("subscribe", { type, symbol });
      queueMicrotask(() => {
        if (!room.handlers.has(entry)) return;
        for (const [event, payload] of [...room.newest.values()]) run(entry, event, payload);
        for (const alert of alertsOf(name)) run(entry, "alert", alert);
      });
      return () => {
        if (!room.handlers.delete(entry) || room.handlers.size) return;
        rooms.delete(name);
        if (type !== "status") emit("unsubscribe", { type, symbol });
      };
    },
    // Every joined room, to join again after a reconnection. Alerts that are sent again are not dispatched again.
    all: () => [...rooms.values()].filter((room) => room.type !== "status").map(({ type, symbol }) => ({ type, symbol })),
    dispatch(event, payload) {
      if (event === "status") {
        const { trusted, state, reason, since } = payload;
        states.set(`${payload.venue}:${upper(payload.symbol)}`, { trusted, state, reason, since });
      }
      if (event === "alert") {
        if (known(seen, payload.id)) return;
        alerts.push(payload);
        if (alerts.length > NEWEST_ALERTS) alerts.shift();
      }
      const [names, key] = placesOf(event, payload);
      for (const name of names) deliver(name, event, payload, key);
    },
    refused: (detail) => console.warn(`subscription refused: ${detail}`),
    stateOf(key) {
      const [venue, ...symbol] = key.split(":");
      return states.get(`${venue}:${upper(symbol.join(":"))}`);
    },
  };
}

// True if an id is among the last 2,000.
function known(seen, id) {
  if (seen.has(id)) return true;
  seen.add(id);
  if (seen.size > 2000) seen.delete(seen.values().next().value);
  return false;
}

function run(handler, event, payload) {
  try {
    handler(event, payload);
  } catch (error) {
    console.error(error);
  }
}

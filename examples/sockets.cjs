// Follow a book, its trades and all alerts over a live socket, in Node.
//
//     npm install socket.io-client
//     node examples/sockets.cjs binance:BTCUSDT          // until Ctrl-C
//     node examples/sockets.cjs binance:BTCUSDT 10       // ten updates of the book
//
// The newest values come first, then what changes. A book that is out of sync with its exchange sends no update, so its
// `status` is printed as well.
// The client connects again by itself; the rooms must be subscribed again then, which `connect` does here.
//
// Environment: GATEWAY_USER, GATEWAY_PASSWORD, API_URL (http://127.0.0.1:8000), SOCKET_URL (http://127.0.0.1:8002).
// Needs: Node 18 or newer, and `depthflow serve`.
const { io } = require("socket.io-client");

const { GATEWAY_USER, GATEWAY_PASSWORD, API_URL = "http://127.0.0.1:8000", SOCKET_URL = "http://127.0.0.1:8002" } =
  process.env;
const [book = "binance:BTCUSDT", limit = Infinity] = process.argv.slice(2);

async function logIn() {
  const answer = await fetch(`${API_URL}/api/auth/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username: GATEWAY_USER, password: GATEWAY_PASSWORD }),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  return body.token;
}

async function main() {
  // A function, so that each connection has a token that has not expired.
  const auth = (give) => logIn().then((token) => give({ token }));
  const socket = io(SOCKET_URL, { transports: ["websocket"], auth });
  let updates = 0;
  socket.on("connect", () => {
    socket.emit("subscribe", { type: "book", symbol: book });
    socket.emit("subscribe", { type: "trades", symbol: book });
    socket.emit("subscribe", { type: "alerts" });
  });
  socket.on("connect_error", (error) => console.error(error.message));
  socket.on("trade", ({ price, quantity, is_buyer_maker: sold }) => console.log("trade", sold ? "sold" : "bought", quantity, "at", price));
  socket.on("alert", ({ message }) => console.log("alert", message));
  socket.on("status", ({ venue, symbol, state, reason }) => {
    if (`${venue}:${symbol}` === book) console.log("state", state, reason);
  });
  socket.on("book_update", ({ bids, asks, trusted }) => {
    console.log("best bid", bids[0], "best ask", asks[0], trusted ? "" : "(out of sync)");
    if (++updates >= Number(limit)) socket.close();
  });
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});

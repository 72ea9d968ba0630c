// Connects with socket.io-client, subscribes to every kind of room, prints events as JSON lines until its input ends.
// Arguments: URL of the package, URL of the gateway, token.
const [library, url, token] = process.argv.slice(2);
const { io } = await import(library);
const socket = io(url, { auth: { token }, transports: ["websocket"], reconnectionDelay: 100 });
const print = (event, payload) => console.log(JSON.stringify([event, payload ?? null]));
socket.onAny(print);
socket.on("connect_error", (error) => print("connect_error", error.message));
socket.on("connect", () => {
  for (const type of ["book", "trades"]) socket.emit("subscribe", { type, symbol: "kraken:BTC/USD" });
  for (const type of ["product", "chain"]) socket.emit("subscribe", { type, symbol: "BTC" });
  socket.emit("get_products");
  socket.emit("subscribe", { type: "alerts" }, (answer) => print("acknowledged", answer));
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));

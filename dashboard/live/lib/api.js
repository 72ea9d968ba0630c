// REST calls. `now()` follows the gateway's clock, by which ages are measured.

// `clock.offset` is set from the gateway's clock by `synchronize`.
export function createApi({ base, tokens, onLogin, clock }) {
  async function call(path, options, refused = null) {
    let token = await tokens(false);
    if (refused && token === refused.token) token = await tokens(true);
    const headers = { ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
    const answer = await fetch(new URL(path, base), { ...options, headers });
    if (answer.status !== 401) return answer;
    if (!refused) return call(path, options, { token });
    onLogin();
    return answer;
  }
  async function request(path, options = {}) {
    const answer = await call(path, options);
    const body = answer.status === 204 ? null : await answer.json();
    if (!answer.ok) throw Object.assign(new Error(body?.detail ?? `status ${answer.status}`), { status: answer.status });
    return body;
  }
  return {
    // JSON of a path. Throws an Error with the problem's detail and `status`.
    get: (path) => request(path),
    post: (path, body) =>
      request(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    // The answer of a path as a stream. Throws as `get` does.
    async open(path, options = {}) {
      const answer = await call(path, options);
      if (!answer.ok) throw Object.assign(new Error((await answer.json()).detail), { status: answer.status });
      return answer;
    },
    // Rows of a path as a Blob of a media type, for downloads.
    async download(path, accept) {
      const answer = await call(path, { headers: { Accept: accept } });
      if (!answer.ok) throw new Error((await answer.json()).detail);
      return answer.blob();
    },
    // Path of a book: `bookPath("kraken:BTC/USD", "/history")`.
    bookPath(key, rest = "") {
      const [venue, ...symbol] = key.split(":");
      return `/api/books/${venue}/${encodeURIComponent(symbol.join(":"))}${rest}`;
    },
    // Set the clock by the gateway's, within half of the round trip, and read the longest age of a trusted book.
    async synchronize() {
      const sent = Date.now();
      const { time, stale_after_ms: staleAfter } = await (await fetch(new URL("/live/settings.json", base))).json();
      clock.staleAfter = staleAfter;
      clock.offset = Math.round(time - (sent + Date.now()) / 2);
    },
  };
}

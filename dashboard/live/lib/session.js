// Login of the page: the access token in memory, the refresh token in the tab's session storage. A duplicated tab has the
// same refresh token, which works once: tabs renew one after another, and tell the others what has replaced it.

const KEY = "depthflow.refresh";
const EARLY_S = 30; // a token is renewed this long before its end, and not before the half of its life

// `base`: address of REST. `required`: false with AUTH=off, where no token is needed.
export function createSession(base, required, storage = sessionStorage) {
  let token = null;
  let renewAt = 0; // epoch ms
  let pending = null;
  const tabs = new BroadcastChannel(KEY);
  tabs.onmessage = ({ data }) => {
    if (storage.getItem(KEY) === data.used) storage.setItem(KEY, data.next);
  };

  async function post(path, body) {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(new URL(path, base), { method: "POST", headers, body: JSON.stringify(body) });
    const found = answer.status === 204 ? null : await answer.json();
    if (!answer.ok) throw Object.assign(new Error(found.detail), { status: answer.status });
    return found;
  }
  function keep(session) {
    token = session.token;
    renewAt = Date.now() + 1000 * (session.expires_in - Math.min(EARLY_S, session.expires_in / 2));
    storage.setItem(KEY, session.refresh_token);
    return token;
  }
  function forget() {
    token = null;
    storage.removeItem(KEY);
  }
  // Without HTTPS browsers have locks on this machine's own addresses alone.
  const alone = (work) => (navigator.locks ? navigator.locks.request(KEY, work) : work());
  async function renew() {
    await new Promise((resolve) => setTimeout(resolve)); // for the message of the tab before
    const refresh = storage.getItem(KEY);
    if (!refresh) return null;
    try {
      const session = await post("/api/auth/refresh", { refresh_token: refresh });
      tabs.postMessage({ used: refresh, next: session.refresh_token });
      return keep(session);
    } catch (error) {
      if (error.status !== 401) throw error; // the gateway does not answer: the token may still be valid
      forget();
      return null;
    }
  }
  return {
    // A token, or null; `again`: the last one was refused. A refresh token works once, so callers at the same time share
    // one renewal. A token that ends soon remains while it cannot be renewed.
    async token(again = false) {
      if (!required) return null;
      if (token && !again && Date.now() < renewAt) return token;
      const early = again ? null : token;
      pending ??= alone(renew).finally(() => (pending = null));
      return early ? pending.catch(() => early) : pending;
    },
    logIn: async (username, password) => keep(await post("/api/auth/login", { username, password })),
    exchange: async (code) => keep(await post("/api/auth/exchange", { code })),
    async logOut() {
      const refresh = storage.getItem(KEY);
      forget();
      if (refresh) await post("/api/auth/logout", { refresh_token: refresh }).catch(() => null);
    },
    get open() {
      return !required || token !== null;
    },
  };
}

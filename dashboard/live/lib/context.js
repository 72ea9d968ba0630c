// Context of a page: `{api, live, theme, headline, unitOf, now, staleAfter, close}`. `now()`: the gateway's clock in epoch ms, after
// `api.synchronize()`; `staleAfter()`: age in ms from which a book is not trusted.
import { createApi } from "./api.js";
import { createHeadline } from "./headline.js";
import { createLive } from "./live.js";
import { createTheme } from "./theme.js";
import { createUnits } from "./units.js";

// `base`: address of the gateway's REST, `socketBase`: of its sockets, by default the same. `token`: null without
// accounts, a token, or `async (renew) => token or null`, called with true after a token was refused. `onLogin`: called
// when no token is accepted. `root`: the element with the class df, by default that of the document.
export function createContext({ base, socketBase = base, token = null, onLogin = () => {}, root, storage }) {
  const tokens = typeof token === "function" ? token : async (renew) => (renew ? null : token);
  const clock = { offset: 0, staleAfter: 60_000 };
  const now = () => Date.now() + clock.offset;
  const api = createApi({ base, tokens, onLogin, clock });
  const live = createLive({ base: socketBase, health: base, tokens, onLogin, now });
  const theme = createTheme(root ?? document.documentElement, storage);
  const [headline, unitOf] = [createHeadline(), createUnits(api)];
  return { api, live, theme, headline, unitOf, now, staleAfter: () => clock.staleAfter, close: () => live.close() };
}

// The login form.
import { el } from "./dom.js";

// Show the form in `root` until `session.logIn` has succeeded.
export function askLogin(root, session, notice = "") {
  return new Promise((resolve) => {
    const problem = el("p.problem", { role: "alert" }, notice);
    const user = el("input", { name: "username", autocomplete: "username", required: true });
    const password = el("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
    const form = el(
      "form.login",
      {
        async onsubmit(event) {
          event.preventDefault();
          problem.textContent = "";
          try {
            await session.logIn(user.value, password.value);
            form.remove();
            resolve();
          } catch (error) {
            problem.textContent = error.status ? error.message : "no connection to the gateway";
          }
        },
      },
      el("h1", {}, "Log in"),
      el("label", {}, "User", user),
      el("label", {}, "Password", password),
      el("button", { type: "submit" }, "Log in"),
      problem,
    );
    root.replaceChildren(form);
    user.focus();
  });
}

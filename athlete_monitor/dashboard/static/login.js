import { get, post } from "./api.js";
import { applyTheme } from "./dom.js";
import { loadTexts, t } from "./text.js";

const part = (id) => document.getElementById(id);
applyTheme();
await loadTexts();
part("title").textContent = document.title = t("login.title");
part("name-label").textContent = t("login.name");
part("secret-label").textContent = t("login.secret");
part("go").textContent = t("login.title");
part("name").focus();

/** The page that asked for the log-in; another site's address leads to the squad. */
function next() {
  const wanted = new URLSearchParams(location.search).get("next") ?? "/";
  const address = new URL(wanted, location.origin);
  return wanted.startsWith("/") && address.origin === location.origin ? address.pathname + address.search : "/";
}

function words(problem, isIn) {
  if (problem.status === 401) return t(isIn ? "login.cookies" : "login.wrong");
  return problem.status === 429 ? t("login.wait", { seconds: /\d+/.exec(problem.message)?.[0] ?? "?" }) : problem.message;
}

part("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  part("problem").textContent = "";
  part("go").disabled = true;
  let isIn = false;
  try {
    await post("/api/login", { name: part("name").value, secret: part("secret").value });
    isIn = true;
    await get("/api/me"); // a browser that keeps no cookies would be asked for the log-in again and again
    location.replace(next());
  } catch (problem) {
    part("problem").textContent = words(problem, isIn);
    part("secret").select();
  } finally {
    part("go").disabled = false;
  }
});

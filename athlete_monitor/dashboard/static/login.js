import { post } from "./api.js";
import { loadTexts, t } from "./text.js";

const part = (id) => document.getElementById(id);
await loadTexts();
part("title").textContent = document.title = t("login.title");
part("name-label").textContent = t("login.name");
part("secret-label").textContent = t("login.secret");
part("go").textContent = t("login.title");
part("name").focus();
part("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  part("problem").textContent = "";
  try {
    await post("/api/login", { name: part("name").value, secret: part("secret").value });
    location.assign("/");
  } catch (problem) {
    part("problem").textContent = problem.status === 401 ? t("login.wrong") : problem.message;
    part("secret").select();
  }
});

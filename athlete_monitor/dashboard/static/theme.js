// Light or dark: as chosen on this device, else as the device itself is.
export function applyTheme() {
  const chosen = localStorage.getItem("theme") || "auto";
  const dark = chosen === "dark" || (chosen === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  use(dark);
  const bar = document.querySelector('meta[name="theme-color"]');
  if (bar) bar.content = dark ? "#10151c" : "#ffffff";
}

function use(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  dispatchEvent(new Event("theme"));
}

addEventListener("beforeprint", () => use(false)); // paper is white
addEventListener("afterprint", applyTheme);

// What is chosen on a page, kept in its address: a page that is loaded again or sent to somebody shows the same.
export const asked = (key) => new URLSearchParams(location.search).get(key);

/** Keeps choices; null or "" leaves one out. */
export function remember(choices) {
  const query = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(choices)) {
    if (value === null || value === "") query.delete(key);
    else query.set(key, value);
  }
  const text = query.toString();
  history.replaceState(history.state, "", location.pathname + (text && `?${text}`) + location.hash);
}

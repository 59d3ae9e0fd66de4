// Before anything is drawn: the theme chosen last, so that a dark page never flashes white.
(() => {
  let chosen;
  try {
    chosen = JSON.parse(localStorage.getItem("isthmus-studio") || "{}").theme;
  } catch {
    // Nothing kept, nothing chosen.
  }
  document.documentElement.dataset.theme =
    chosen || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
})();

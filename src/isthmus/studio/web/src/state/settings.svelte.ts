// What a person has chosen about the page itself; kept by the browser.

type Theme = "light" | "dark";

interface Held {
  theme?: Theme;
  language?: string;
  hints?: boolean;
  keys?: boolean;
  dock?: number;
}

const KEY = "isthmus-studio";

function read(): Held {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Held;
  } catch {
    return {};
  }
}

const held = read();
const night = matchMedia("(prefers-color-scheme: dark)");

class Settings {
  chosen = $state<Theme | undefined>(held.theme);
  system = $state<Theme>(night.matches ? "dark" : "light");
  language = $state(held.language ?? (navigator.language.startsWith("de") ? "de" : "en"));
  hints = $state(held.hints ?? true);
  keys = $state(held.keys ?? true);
  dock = $state(held.dock ?? 300);
  theme = $derived<Theme>(this.chosen ?? this.system);

  constructor() {
    this.dress(this.chosen ?? this.system);
  }

  /** The style sheet first: what is drawn with its colours asks for them at once. */
  private dress(theme: Theme): void {
    document.documentElement.dataset["theme"] = theme;
  }

  choose(theme: Theme): void {
    this.dress(theme);
    this.chosen = theme;
    this.keep();
  }

  follow(theme: Theme): void {
    if (!this.chosen) this.dress(theme);
    this.system = theme;
  }

  keep(): void {
    const { chosen, language, hints, keys, dock } = this;
    try {
      localStorage.setItem(KEY, JSON.stringify({ theme: chosen, language, hints, keys, dock }));
    } catch {
      // A browser that keeps nothing still works.
    }
  }
}

export const settings = new Settings();
night.addEventListener("change", () => settings.follow(night.matches ? "dark" : "light"));

export const still = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Where in the Studio we are: the part of the address after #, e.g. #/lab?r=eyJ2Ijox.

export type Screen = "lab" | "latent" | "apply" | "runs" | "compare";
const SCREENS: Screen[] = ["lab", "latent", "apply", "runs", "compare"];

function parse(hash: string): { screen: Screen; query: URLSearchParams } {
  const [path, query] = hash.replace(/^#\/?/, "").split("?");
  const screen = SCREENS.find((each) => each === path) ?? "lab";
  return { screen, query: new URLSearchParams(query ?? "") };
}

class Router {
  at = $state.raw(parse(location.hash));
  screen = $derived(this.at.screen);

  constructor() {
    addEventListener("hashchange", () => (this.at = parse(location.hash)));
  }

  get(name: string): string | null {
    return this.at.query.get(name);
  }

  link(screen: Screen, query: Record<string, string> = {}): string {
    const said = new URLSearchParams(query).toString();
    return `#/${screen}${said ? `?${said}` : ""}`;
  }

  go(screen: Screen, query: Record<string, string> = {}): void {
    location.hash = this.link(screen, query);
  }

  /** Changes the address without a new entry in the history. */
  replace(screen: Screen, query: Record<string, string> = {}): void {
    history.replaceState(null, "", this.link(screen, query));
    this.at = parse(location.hash);
  }
}

export const router = new Router();

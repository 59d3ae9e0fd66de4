// The recipe on the bench: what it says, what the plan says about it, and every earlier one (undo).

import { ApiError, send } from "../api/client";
import type { Check, Fault, Json, Recipe } from "../api/types";
import { app } from "./app.svelte";
import { router } from "./router.svelte";
import { at, changedRecipe } from "./tree";

const KEPT = 200;

class Lab {
  recipe = $state.raw<Recipe>({} as Recipe);
  check = $state.raw<Check | null>(null);
  faults = $state.raw<Fault[]>([]);
  /** The last plan that held together, for the picture while a field is wrong. */
  plan = $state.raw<Check | null>(null);
  past = $state.raw<Recipe[]>([]);
  future = $state.raw<Recipe[]>([]);
  /** What was replaced as a whole (a preset, a text): offered back for ten seconds. */
  replaced = $state.raw<{ label: string; recipe: Recipe } | null>(null);
  /** The layer in the inspector: network and place in its list. */
  selected = $state.raw<{ network: "encoder" | "decoder"; index: number } | null>(null);
  linkError = $state("");
  busy = $state(false);
  private turn = 0;
  private timer = 0;
  private toast = 0;

  async begin(): Promise<void> {
    const link = router.get("r");
    if (link) {
      const faults = await this.read(link, "link");
      if (!faults.length) return;
      this.linkError = faults[0]!.message;
    }
    const first = app.meta!.presets.find((each) => each.id === "squeeze")?.recipe ?? app.meta!.defaults;
    this.recipe = first;
    await this.judge();
  }

  value(key: string): Json | undefined {
    return at(this.recipe, key);
  }

  edit(key: string, value: Json): void {
    this.set(changedRecipe(this.recipe, key, value));
  }

  /** A whole new recipe; ``label`` names what is replaced, and offers it back. */
  set(recipe: Recipe, label = ""): void {
    this.past = [...this.past.slice(-KEPT), this.recipe];
    this.future = [];
    if (label) {
      this.replaced = { label, recipe: this.recipe };
      clearTimeout(this.toast);
      this.toast = window.setTimeout(() => (this.replaced = null), 10_000);
    }
    this.put(recipe);
  }

  undo(): void {
    const before = this.past.at(-1);
    if (!before) return;
    this.past = this.past.slice(0, -1);
    this.future = [this.recipe, ...this.future];
    this.replaced = null;
    this.put(before);
  }

  redo(): void {
    const after = this.future[0];
    if (!after) return;
    this.future = this.future.slice(1);
    this.past = [...this.past, this.recipe];
    this.put(after);
  }

  private put(recipe: Recipe): void {
    this.recipe = recipe;
    this.linkError = "";
    clearTimeout(this.timer);
    // Keys held down and handles dragged make many changes: the last one counts.
    this.timer = window.setTimeout(() => void this.judge(), 40);
  }

  /** Asks the server what the recipe comes to. Only the newest answer counts. */
  private async judge(): Promise<void> {
    const turn = ++this.turn;
    this.busy = true;
    try {
      const check = await send<Check>("POST", "/check", { recipe: this.recipe });
      if (turn === this.turn) this.take(check);
    } catch (error) {
      if (turn === this.turn && error instanceof ApiError && error.status !== 0)
        this.faults = error.faults.length ? error.faults : [{ message: error.message }];
    } finally {
      if (turn === this.turn) this.busy = false;
    }
  }

  private take(check: Check): void {
    this.check = check;
    this.faults = check.faults;
    if (!check.ok) return;
    this.plan = check;
    if (this.selected) {
      const lasts = at(this.recipe, "encoder.layers") ?? at(this.recipe, "encoder.channels");
      if (Array.isArray(lasts) && this.selected.index >= lasts.length) this.selected = null;
    }
    if (router.screen === "lab" && check.spellings) router.replace("lab", { r: check.spellings.link });
  }

  /** Takes a recipe from a text. Gives back what is wrong with it; nothing changes then. */
  async read(text: string, how: "toml" | "python" | "cli" | "link"): Promise<Fault[]> {
    try {
      const check = await send<Check>("POST", "/recipe/parse", { text, how });
      if (!check.ok) return check.faults;
      if (this.plan) this.set(check.recipe);
      else this.recipe = check.recipe;
      clearTimeout(this.timer);
      this.take(check);
      return [];
    } catch (error) {
      if (error instanceof ApiError) return error.faults.length ? error.faults : [{ message: error.message }];
      throw error;
    }
  }
}

export const lab = new Lab();

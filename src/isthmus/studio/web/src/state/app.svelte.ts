// From opening the page to a living Lab: session, what there is, the runs, the stream.

import { ApiError, get, send } from "../api/client";
import { listen, onLink, startEvents, type Link } from "../api/events";
import type { DataInfo, Meta } from "../api/types";
import { runs } from "./runs.svelte";

export type Phase = "opening" | "ready" | "closed" | "away";

class App {
  phase = $state<Phase>("opening");
  meta = $state.raw<Meta | null>(null);
  data = $state.raw<DataInfo[]>([]);
  link = $state<Link>("open");
  /** What the server last said about itself (a full disk, …). */
  notice = $state("");
  /** One sentence at a time for those who listen instead of look. */
  spoken = $state("");

  async open(): Promise<void> {
    try {
      await session();
      const [meta, seq] = await Promise.all([get<Meta>("/meta"), runs.load()]);
      this.meta = meta;
      this.data = meta.data;
      await runs.loadModels();
      startEvents(seq);
      onLink((link) => (this.link = link));
      listen((event) => {
        if (event.kind === "server") this.notice = event.text ?? "";
        if (event.kind === "reset") void runs.load();
      });
      this.phase = "ready";
    } catch (error) {
      const known = error instanceof ApiError ? error : null;
      this.phase = known?.status === 401 ? "closed" : "away";
    }
  }

  dataInfo(name: string): DataInfo | undefined {
    return this.data.find((each) => each.name === name);
  }

  say(text: string): void {
    this.spoken = text;
  }
}

/** The link that the terminal printed carries a token once; after that a cookie does. */
async function session(): Promise<void> {
  const token = /[#&]token=([^&]+)/.exec(location.hash)?.[1];
  if (!token) return;
  history.replaceState(null, "", location.pathname);
  await send("POST", "/session", { token: decodeURIComponent(token) });
}

export const app = new App();

// One stream of events per browser: a browser opens at most six connections to a server, and every
// tab needs some. The tab that holds the lock has the stream and tells the others.

import { ApiError, waitWith } from "./client";
import type { Wire } from "./types";

type Listener = (event: Wire) => void;
export type Link = "open" | "lost";

const listeners = new Set<Listener>();
const linkListeners = new Set<(link: Link) => void>();
const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("isthmus-events");
let last = "";
let link: Link = "open";

export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function onLink(listener: (link: Link) => void): void {
  linkListeners.add(listener);
}

function tell(event: Wire): void {
  if (event.seq) last = event.seq;
  for (const listener of listeners) listener(event);
}

function say(now: Link): void {
  if (link === now) return;
  link = now;
  for (const listener of linkListeners) listener(now);
}

function open(): void {
  const source = new EventSource(`/api/v1/events${last ? `?last=${encodeURIComponent(last)}` : ""}`);
  source.onopen = () => {
    say("open");
    channel?.postMessage({ link: "open" });
  };
  source.onmessage = (message) => {
    const event = JSON.parse(message.data as string) as Wire;
    channel?.postMessage({ event });
    tell(event);
  };
  source.onerror = () => {
    say("lost");
    channel?.postMessage({ link: "lost" });
    // A refused connection is tried again by the browser; a refused request is not.
    if (source.readyState === EventSource.CLOSED) setTimeout(open, 1500);
  };
}

/** Begins to listen. ``from`` is where the stream stood when the list of runs was read. */
export function startEvents(from: string): void {
  last = from;
  channel?.addEventListener("message", (message: MessageEvent<{ event?: Wire; link?: Link }>) => {
    if (message.data.event) tell(message.data.event);
    if (message.data.link) say(message.data.link);
  });
  if (!channel || !navigator.locks) open();
  else
    void navigator.locks.request("isthmus-events", () => {
      open();
      document.documentElement.dataset["leader"] = "yes";
      // Held until the tab is gone; then another one gets it.
      return new Promise(() => undefined);
    });
}

const ended = new Map<string, Wire>();
listen((event) => {
  if (event.kind === "job" && event.job && event.state !== "working") ended.set(event.job, event);
});

waitWith((job) => {
  const settle = (event: Wire, good: () => void, bad: (error: Error) => void) =>
    event.state === "failed" ? bad(new ApiError(503, "worker", event.message ?? "")) : good();
  return new Promise((good, bad) => {
    const known = ended.get(job);
    if (known) return settle(known, good, bad);
    // An event may be lost with its stream: ask again from time to time all the same.
    const timer = setTimeout(() => (stop(), good()), 4000);
    const stop = listen((event) => {
      if (event.kind !== "job" || event.job !== job || event.state === "working") return;
      clearTimeout(timer);
      stop();
      settle(event, good, bad);
    });
  });
});

// Requests to the one server there is: the one that gave this page.

import { readPack, type Pack } from "../lite/safetensors";
import type { Fault } from "./types";

const BASE = "/api/v1";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint = "",
    readonly faults: Fault[] = [],
  ) {
    super(message);
  }
}

async function request(method: string, path: string, body?: unknown): Promise<Response> {
  const headers: Record<string, string> = {};
  if (method !== "GET") headers["X-Isthmus"] = "1";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(BASE + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new ApiError(0, "away", "", "");
  }
  if (answer.ok) return answer;
  const said = (await answer.json().catch(() => ({}))) as Partial<ApiError>;
  throw new ApiError(answer.status, said.code ?? "internal", said.message ?? answer.statusText, said.hint, said.faults);
}

export const get = async <T>(path: string): Promise<T> => (await request("GET", path)).json() as Promise<T>;

/** Sends a body, or nothing, and reads the answer if there is one. */
export async function send<T>(method: "POST" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T> {
  const answer = await request(method, path, body);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

/** Weights. While there are none yet (202) it throws ``no_weights``: an event says when they are there. */
export async function bytes(path: string): Promise<ArrayBuffer> {
  const answer = await request("GET", path);
  if (answer.status === 202) throw new ApiError(202, "no_weights", "");
  return answer.arrayBuffer();
}

/** Resolves when a job of the server's helper has ended; set by the stream of events. */
type Waiter = (job: string) => Promise<void>;
let waiting: Waiter = async () => undefined;
export const waitWith = (waiter: Waiter): void => {
  waiting = waiter;
};

/** A binary answer. What is being computed (202) is asked for again when it is there. */
export async function pack(path: string): Promise<Pack> {
  for (;;) {
    const answer = await request("GET", path);
    if (answer.status !== 202) return readPack(await answer.arrayBuffer());
    const { job } = (await answer.json()) as { job: string };
    await waiting(job);
  }
}

/** JSON that may first have to be computed. */
export async function computed<T>(path: string): Promise<T> {
  for (;;) {
    const answer = await request("GET", path);
    if (answer.status !== 202) return (await answer.json()) as T;
    const { job } = (await answer.json()) as { job: string };
    await waiting(job);
  }
}

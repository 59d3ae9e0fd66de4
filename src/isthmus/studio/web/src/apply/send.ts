// A file to the server, with how far it is.

import { ApiError } from "../api/client";
import type { FileInfo } from "./types";

export function upload(blob: Blob, name: string, role: "input" | "part", told: (share: number) => void, stop?: AbortSignal): Promise<FileInfo> {
  return new Promise((good, bad) => {
    const request = new XMLHttpRequest();
    request.open("PUT", `/api/v1/apply/files?name=${encodeURIComponent(name)}&role=${role}`);
    request.setRequestHeader("X-Isthmus", "1");
    request.upload.onprogress = (event) => told(event.lengthComputable ? event.loaded / event.total : 0);
    request.onerror = () => bad(new ApiError(0, "away", ""));
    request.onabort = () => bad(new ApiError(0, "aborted", ""));
    request.onload = () => {
      let tree: unknown = {};
      try {
        tree = JSON.parse(request.responseText);
      } catch {
        // Told by the status.
      }
      if (request.status < 400) return good(tree as FileInfo);
      const said = tree as { code?: string; message?: string; hint?: string };
      bad(new ApiError(request.status, said.code ?? "internal", said.message ?? request.statusText, said.hint));
    };
    stop?.addEventListener("abort", () => request.abort());
    request.send(blob);
  });
}

export const urlOf = (id: string): string => `/api/v1/apply/files/${id}`;
export const downloadOf = (id: string): string => `/api/v1/apply/files/${id}?download`;

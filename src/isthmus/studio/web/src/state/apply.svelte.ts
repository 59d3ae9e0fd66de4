// Files that were dropped, what is done with them, what came of it. The server keeps all of it: a reload
// finds it again.

import { ApiError, get, send } from "../api/client";
import { listen } from "../api/events";
import type { Json, Wire } from "../api/types";
import { choose, isOwn, same, sent, start, together, type Values } from "../apply/options";
import { upload } from "../apply/send";
import { painted, png, type Stroke } from "../apply/strokes";
import type { Everything, FileInfo, Hint, JobInfo, OptionInfo, Outcome, TaskInfo } from "../apply/types";

/** One file of the list. ``hints`` and ``strokes`` are set on its picture, by option. */
export interface Item {
  key: string;
  label: string;
  size: number;
  /** How much of it is sent, 0..1; 1 once the server has it. */
  share: number;
  file: FileInfo | null;
  error: string;
  hint: string;
  /** Of a picture, as the browser knows them before the server has looked into the file. */
  sides: { width: number; height: number } | null;
  /** Task -> its last job. */
  jobs: Record<string, string>;
  hints: Record<string, Hint[]>;
  strokes: Record<string, Stroke[]>;
  /** Option -> the mask as the server has it, and the strokes it was made of. */
  masks: Record<string, { id: string; of: string }>;
}

const AT_ONCE = 2;
let keys = 0;

class Apply {
  phase = $state<"opening" | "ready" | "away">("opening");
  tasks = $state.raw<TaskInfo[]>([]);
  limits = $state.raw<Record<string, number>>({});
  items = $state<Item[]>([]);
  jobs = $state<Record<string, JobInfo>>({});
  /** Files that options name: id -> file. */
  parts = $state<Record<string, FileInfo>>({});
  name = $state("");
  chosenKey = $state("");
  trouble = $state("");
  private values = $state<Record<string, Values>>({});
  private listening = false;
  /** How often something came to an end that ``take`` would not know of. */
  private news = 0;
  private waiting: { item: Item; file: File }[] = [];
  private sending = 0;
  private stops = new Map<string, AbortController>();

  task = $derived(this.tasks.find((task) => task.name === this.name));
  fitting = $derived(this.items.filter((item) => item.file && !item.file.error && this.task?.takes.includes(item.file.kind)));
  item = $derived(this.items.find((item) => item.key === this.chosenKey) ?? this.fitting[0] ?? this.items[0]);
  busy = $derived(this.items.some((item) => ["waiting", "working"].includes(this.jobOf(item)?.state ?? "")));

  async open(): Promise<void> {
    // Who listens only when the answer is there misses what ends in between.
    if (!this.listening) listen((event) => this.told(event));
    this.listening = true;
    try {
      await this.ask();
      this.phase = "ready";
    } catch (error) {
      this.phase = "away";
      this.trouble = error instanceof ApiError ? error.message : "";
    }
  }

  /** Everything anew; once more if something ended while it was on its way. */
  private async ask(): Promise<void> {
    let before: number;
    do {
      before = this.news;
      this.take(await get<Everything>("/apply"));
    } while (before !== this.news);
  }

  private told(event: Wire): void {
    if (event.kind === "apply") this.heard(event as unknown as JobInfo & { job: string; record?: JobInfo });
    if (event.kind === "apply_file") this.looked(event.file as unknown as FileInfo);
    if (event.kind === "reset") void this.ask().catch(() => undefined);
  }

  /** Everything as the server has it. */
  private take(all: Everything): void {
    this.tasks = all.tasks;
    this.limits = all.limits;
    if (!this.tasks.some((task) => task.name === this.name)) this.name = this.tasks[0]?.name ?? "";
    for (const task of this.tasks) this.values[task.name] ??= start(task);
    this.jobs = Object.fromEntries(all.jobs.map((job) => [job.id, job]));
    const known = new Map(all.files.map((file) => [file.id, file]));
    this.parts = Object.fromEntries(all.files.filter((file) => file.role === "part").map((file) => [file.id, file]));
    // What the server no longer has (it was started anew) cannot be worked on.
    this.items = this.items.filter((item) => !item.file || known.has(item.file.id));
    for (const file of all.files) {
      if (file.role !== "input") continue;
      let item = this.items.find((each) => each.file?.id === file.id);
      if (!item) this.items.push(blank(file.label, file.size, file));
      item = this.items.find((each) => each.file?.id === file.id)!;
      item.file = file;
      for (const job of all.jobs) if (job.sources.includes(file.id)) item.jobs[job.task] = job.id;
    }
  }

  private heard(event: JobInfo & { job: string; record?: JobInfo }): void {
    if (event.record || event.state === "gone") this.news++;
    if (event.state === "gone") {
      delete this.jobs[event.job];
      return;
    }
    const known = this.jobs[event.job];
    if (event.record) this.jobs[event.job] = event.record;
    else if (known) Object.assign(known, { state: event.state, share: event.share, left: event.left, cancelling: event.cancelling });
  }

  private looked(file: FileInfo): void {
    this.news++;
    const item = this.items.find((each) => each.file?.id === file.id);
    if (item) item.file = file;
    if (this.parts[file.id]) this.parts[file.id] = file;
  }

  // --- files ---------------------------------------------------------------------------------------

  /** Files that were dropped or picked. The first one decides about the task if the one chosen takes none of them. */
  add(files: Iterable<File>): void {
    for (const file of files) {
      this.items.push(blank(file.name, file.size, null));
      this.waiting.push({ item: this.items.at(-1)!, file });
    }
    this.next();
  }

  private next(): void {
    while (this.sending < AT_ONCE && this.waiting.length) {
      const { item, file } = this.waiting.shift()!;
      this.sending++;
      const stop = new AbortController();
      this.stops.set(item.key, stop);
      void upload(file, file.name, "input", (share) => (item.share = share), stop.signal)
        .then(
          (made) => {
            item.file = made;
            item.share = 1;
            if (!this.task?.takes.includes(made.kind) && !this.fitting.length) this.suggest(made.kind);
          },
          (error: ApiError) => {
            if (error.code === "aborted") return;
            item.error = error.message;
            item.hint = error.hint;
          },
        )
        .finally(() => {
          this.sending--;
          this.stops.delete(item.key);
          this.next();
        });
    }
  }

  private suggest(kind: string): void {
    const found = this.tasks.find((task) => task.takes.includes(kind));
    if (found) this.name = found.name;
  }

  async remove(item: Item): Promise<void> {
    this.waiting = this.waiting.filter((each) => each.item.key !== item.key);
    this.stops.get(item.key)?.abort();
    // Off the page first: nothing there asks for a file that is going.
    this.items = this.items.filter((each) => each.key !== item.key);
    if (this.chosenKey === item.key) this.chosenKey = "";
    if (item.file) {
      for (const id of Object.values(item.jobs)) await this.cancelJob(id);
      await send("DELETE", `/apply/files/${item.file.id}`).catch(() => undefined);
    }
  }

  async clear(): Promise<void> {
    for (const item of [...this.items]) await this.remove(item);
  }

  /** A file that an option names. */
  async part(option: OptionInfo, file: File): Promise<void> {
    const made = await upload(file, file.name, "part", () => undefined);
    if (made.kind !== option.takes) {
      void send("DELETE", `/apply/files/${made.id}`).catch(() => undefined);
      throw new ApiError(400, "bad_request", made.label);
    }
    this.parts[made.id] = made;
    this.set(option.name, made.id);
  }

  // --- options -------------------------------------------------------------------------------------

  get options(): Values {
    return this.values[this.name] ?? {};
  }

  set(name: string, value: Json): void {
    this.values[this.name] = { ...this.options, [name]: value };
  }

  choose(option: OptionInfo): void {
    if (this.task) this.values[this.name] = choose(this.task, this.options, option);
  }

  reset(): void {
    if (this.task) this.values[this.name] = start(this.task);
  }

  // --- jobs ----------------------------------------------------------------------------------------

  jobOf(item: Item): JobInfo | undefined {
    return this.jobs[item.jobs[this.name] ?? ""];
  }

  outcomeOf(item: Item): Outcome | undefined {
    return this.jobOf(item)?.outcomes.find((outcome) => outcome.source === item.file?.id);
  }

  /** Whether what an item shows was made with other options than those that are set now. */
  stale(item: Item): boolean {
    const job = this.jobOf(item);
    if (!job || !this.task) return false;
    const task = this.task;
    const own = Object.fromEntries((together(task, this.options) ? [] : task.options.filter(isOwn)).map((option) => [option.name, this.own(item, option)]));
    return !same(job.values, { ...this.options, ...own });
  }

  /** What was set on the picture itself, as it was last sent. */
  private own(item: Item, option: OptionInfo): Json {
    if (option.control === "points") return (item.hints[option.name] ?? []).length ? (item.hints[option.name] as unknown as Json) : null;
    const strokes = item.strokes[option.name] ?? [];
    if (!painted(strokes)) return null;
    const mask = item.masks[option.name];
    return mask?.of === JSON.stringify(strokes) ? mask.id : "painted anew";
  }

  /** Does the task with all files that fit, or with one. */
  async run(only?: Item): Promise<void> {
    const task = this.task;
    if (!task) return;
    this.trouble = "";
    const items = (only ? [only] : this.fitting).filter((item) => !["waiting", "working"].includes(this.jobOf(item)?.state ?? ""));
    try {
      if (together(task, this.options) && items.length) await this.order(task, items);
      else for (const item of items) await this.order(task, [item]);
    } catch (error) {
      this.trouble = error instanceof ApiError ? error.message : String(error);
    }
  }

  private async order(task: TaskInfo, items: Item[]): Promise<void> {
    const values: Values = { ...sent(this.options) };
    // What was set on one picture says nothing of all of them together.
    for (const option of together(task, this.options) ? [] : task.options.filter(isOwn)) {
      const value = option.control === "mask" ? await this.mask(items[0]!, option) : this.own(items[0]!, option);
      if (value !== null) values[option.name] = value;
    }
    const before = items.map((item) => item.jobs[task.name]);
    const job = await send<JobInfo>("POST", "/apply/jobs", { task: task.name, files: items.map((item) => item.file!.id), values });
    this.jobs[job.id] ??= job;
    for (const item of items) item.jobs[task.name] = job.id;
    // What a new result replaces is not kept.
    for (const old of new Set(before)) if (old && !this.items.some((item) => item.jobs[task.name] === old)) await this.cancelJob(old);
  }

  /** The id of the painted mask on the server; sent if it was painted anew. */
  private async mask(item: Item, option: OptionInfo): Promise<string | null> {
    const strokes = item.strokes[option.name] ?? [];
    const { width, height } = { ...item.sides, ...item.file?.facts };
    if (!painted(strokes) || !width || !height) return null;
    const of = JSON.stringify(strokes);
    if (item.masks[option.name]?.of !== of) {
      const made = await upload(await png(strokes, width, height), "mask.png", "part", () => undefined);
      item.masks[option.name] = { id: made.id, of };
    }
    return item.masks[option.name]!.id;
  }

  /** Stops a job; of one that has ended the results go. */
  private async cancelJob(id: string): Promise<void> {
    await send("DELETE", `/apply/jobs/${id}`).catch(() => undefined);
  }

  async cancel(item: Item): Promise<void> {
    const job = this.jobOf(item);
    if (job && ["waiting", "working"].includes(job.state)) await this.cancelJob(job.id);
  }

  async cancelAll(): Promise<void> {
    await Promise.all(this.items.map((item) => this.cancel(item)));
  }
}

function blank(label: string, size: number, file: FileInfo | null): Item {
  return { key: `f${++keys}`, label, size, share: file ? 1 : 0, file, error: "", hint: "", sides: null, jobs: {}, hints: {}, strokes: {}, masks: {} };
}

export const apply = new Apply();

// watch.js - a job as it changes: its server-sent events, read by fetch, since an EventSource sends no token.
//
// A stream that breaks is taken up where it was (Last-Event-ID); without a server, or told to come later, it waits, as every GET does.
// While nobody looks there is none, since a browser has six connections to a host for all its tabs. Where
// events do not come through (a proxy that holds them back), the job is asked for again and again.
import { back, get, later, looking, poll, refusal, sleep } from "./api.js";
import { authorization } from "./token.js";

const SILENCE_MS = 40000; // the server says that it is alive every 15 s at most
const POLL_MS = 1000;
const AGAIN_MS = 500; // before a stream that ended is asked for again

/** Whole events of a stream's text: {name, id, data}. Returns a function of the next piece. */
export function eventReader() {
  let rest = "";
  return (text) => {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop();
    return blocks.map((block) => {
      const event = {};
      for (const line of block.split("\n")) {
        const [, field, value] = /^(event|id|data): ?(.*)$/.exec(line) ?? [];
        if (field) event[field === "event" ? "name" : field] = value;
      }
      return event;
    }).filter((event) => event.data !== undefined);
  };
}

/** One connection: calls take(events) for each piece that comes; false when nothing came through, so that events may
 * never do. */
async function connect(path, last, take, signal) {
  const ending = new AbortController();
  const leave = () => { if (document.hidden) ending.abort("hidden"); };
  let timer;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => ending.abort("silent"), SILENCE_MS);
  };
  let some = false;
  document.addEventListener("visibilitychange", leave);
  try {
    heard();
    const response = await fetch(`${path}/events`, { cache: "no-store", signal: AbortSignal.any([signal, ending.signal]),
      headers: { ...authorization(), Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) } });
    // A token that asks too often: asking for the job instead would be more of it. (Too many streams have no Retry-After.)
    if (response.status === 429 && response.headers.has("Retry-After")) {
      clearTimeout(timer);
      await later(response, AbortSignal.any([signal, ending.signal]));
      return true;
    }
    if (response.status >= 500 || response.status === 429) return false;
    if (!response.ok) throw refusal(response.status, await response.text());
    if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) return response.status === 204;
    const read = eventReader(), reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      heard();
      const events = read(piece.value);
      some ||= events.length > 0;
      if (events.length) take(events);
    }
    return some;
  } catch (error) {
    if (signal.aborted) throw error;
    if (ending.signal.aborted) return some || ending.signal.reason === "hidden";
    if (some && error instanceof TypeError) return true; // it broke off; whether the server is there, the next one finds
    throw error;
  } finally {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", leave);
  }
}

/** Calls news(job, rows) with the job whenever it has changed and the rows of its curve that are new; job is null
 * where only rows came. Ends with the job. asked() is called when the job is asked for instead of streamed. */
export async function watch(path, news, asked, signal) {
  let last = null, over = false;
  const take = (events) => {
    const jobs = events.filter((e) => e.name === "job");
    last = events.at(-1).id ?? last;
    over = last === "end";
    news(jobs.length ? JSON.parse(jobs.at(-1).data) : null, events.filter((e) => e.name === "epoch").map((e) => JSON.parse(e.data)));
  };
  while (!over) {
    await looking();
    signal.throwIfAborted();
    try {
      // What has come through once will again: then it is the server that ends, or begins.
      if (!(await connect(path, last, take, signal)) && !last) break;
      if (!over) await sleep(AGAIN_MS);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      await back();
    }
  }
  if (over) return;
  asked();
  let at = "";
  await poll(async () => {
    const job = await get(path, signal);
    const now = `${job.epoch} ${job.search?.candidate} ${job.status}`;
    const rows = now === at ? [] : (await get(`${path}/metrics`, signal)).items;
    signal.throwIfAborted();
    at = now;
    news(job, rows);
    return ["queued", "running"].includes(job.status);
  }, POLL_MS, signal);
}

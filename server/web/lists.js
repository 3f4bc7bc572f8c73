// lists.js - a list of the API, newest first, as far as it is loaded.
//
// What is loaded is always the newest entries without a gap: the first page is asked for anew again and again, pages
// behind it are added by hand (older.js) and stay. A page is found by the cursor of the one before it, which goes on
// behind a certain entry however many have come since.
import { get, renew } from "./api.js";

export const PAGE = 200; // entries

/** path: "/v1/jobs", perhaps with a query. Calls wait for each other, so that each begins with a whole list. */
export function pagedList(path, signal) {
  const at = (cursor) => `${path}${path.includes("?") ? "&" : "?"}limit=${PAGE}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`;
  const pages = []; // as they were answered, by their place behind the first
  const extras = []; // by take()
  let items = [], next = null, grown = false;
  let place = null; // of walk(): the page before, its last entry and its cursor
  let turn = Promise.resolve();
  const inTurn = (work) => {
    turn = turn.then(work, work);
    return turn;
  };

  /* Puts fresh, which has no gap, where it belongs: from start on, in place of all down to its last entry. cursor is of
   * what follows on the server. Where nothing does, or fresh goes beyond what is loaded, the list ends with it. */
  function put(start, fresh, cursor) {
    const last = items.findIndex((i) => i.id === fresh.at(-1)?.id), ends = last < 0 || cursor === null;
    if (ends) next = cursor;
    items = [...items.slice(0, start), ...fresh, ...(ends ? [] : items.slice(last + 1))];
  }

  return {
    get items() { return [...items, ...extras.filter((e) => !items.some((i) => i.id === e.id))]; },
    /** Whether there are older entries than those that are loaded. */
    get more() { return next !== null; },
    /** Whether the list has more than its first page. */
    get long() { return next !== null || items.length > PAGE; },
    /** Whether older() has been called. */
    get grown() { return grown; },

    /** Asks for the first page anew. Where more has come since than it holds, the pages between are asked for, too. */
    refresh: () => inTurn(async () => {
      const before = pages[0];
      pages[0] = await renew(at(null), before, signal);
      if (pages[0] === before) return;
      let page = pages[0].value, fresh = page.items;
      if (!grown) {
        items = fresh;
        next = page.next_cursor;
        return;
      }
      const known = new Set(items.map((i) => i.id));
      while (page.next_cursor && !page.items.some((i) => known.has(i.id))) {
        page = await get(at(page.next_cursor), signal);
        fresh = [...fresh, ...page.items];
      }
      put(0, fresh, page.next_cursor);
    }),

    /** Loads the page behind the last one; how many entries it has. */
    older: () => inTurn(async () => {
      if (!next) return 0;
      const page = await get(at(next), signal);
      grown = true;
      put(items.length, page.items, page.next_cursor);
      return page.items.length;
    }),

    /** Asks for one of the pages behind the first anew, the next one each time, so that many cost no more than one. */
    walk: () => inTurn(async () => {
      let start = items.findIndex((i) => i.id === place?.last) + 1;
      if (!start || !place.cursor || start === items.length) {
        place = { number: 0, last: pages[0].value.items.at(-1)?.id, cursor: pages[0].value.next_cursor };
        start = items.findIndex((i) => i.id === place.last) + 1;
      }
      if (!start || !place.cursor || start === items.length) return; // there is none
      const number = place.number + 1, before = pages[number];
      const page = pages[number] = await renew(at(place.cursor), before, signal);
      if (page !== before) put(start, page.value.items, page.value.next_cursor);
      place = { number, last: page.value.items.at(-1)?.id, cursor: page.value.next_cursor };
    }),

    /** Takes the entry of this id along, wherever in the list it lies. */
    take: (id) => inTurn(async () => {
      if (!id || !next || [...items, ...extras].some((i) => i.id === id)) return;
      try {
        extras.push(await get(`${path.split("?")[0]}/${encodeURIComponent(id)}`, signal));
      } catch (error) {
        if (error.status !== 404) throw error;
      }
    }),

    /** Forgets an entry that was deleted. */
    drop(id) { items = items.filter((i) => i.id !== id); },
  };
}

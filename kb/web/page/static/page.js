"use strict";
(() => {
  const find = (id) => document.getElementById(id);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const box = find("q");
  const results = find("results"); // on the page of searches alone
  const notice = find("notice");
  const help = find("help");
  const words = document.body.dataset;
  const WAIT_MS = 40; // for the next key, after one that came as soon after another
  const REST_MS = 120; // without a key, before meaning is asked, which would keep the next words waiting
  const SOON_MS = 60; // an answer that takes no longer needs no quicker one before it
  const AT = "kb-opened"; // of the session: the paper that was opened last

  for (const one of all(".scripted")) one.hidden = false;

  const say = (text) => {
    notice.textContent = text.trim();
  };

  // --- search as one types ---

  const typedQuery = () => box.value.trim().replace(/\s+/g, " ");
  let shown = typedQuery(); // the query whose answer stands on the page
  let wholeMs = Infinity; // that the last whole answer took
  let asking = null;
  let timer = 0;
  let keyAt = -Infinity; // when the last key was pressed

  const answer = async (query, isQuick, signal) => {
    const asked = new URLSearchParams({ q: query, fragment: "1" });
    if (isQuick) asked.set("words", "1");
    const response = await fetch("/search?" + asked, { signal });
    const html = await response.text();
    if (!response.ok) throw new Error(html);
    return { html, isWhole: response.headers.get("KB-Answer") === "whole" };
  };

  const rest = (signal) =>
    new Promise((done, left) => {
      setTimeout(done, REST_MS);
      signal.addEventListener("abort", () => left(signal.reason));
    });

  const show = (html, query) => {
    const at = results.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    results.innerHTML = html; // of our own server, which lets no markup of notes through
    shown = query;
    if (at) all("a", results).find((link) => link.getAttribute("href") === at)?.focus({ preventScroll: true });
    find("counted").textContent = results.querySelector(".count")?.textContent ?? "";
    document.title = document.title.replace(/^(.* · )?/, query ? query.replace(/\$/g, "$$$$") + " · " : "");
    for (const link of all(".filters [data-token]")) {
      if (` ${query} `.includes(` ${link.dataset.token} `)) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };

  const ask = async () => {
    clearTimeout(timer);
    const query = typedQuery();
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    history.replaceState(null, "", query ? "/?" + new URLSearchParams({ q: query }) : "/");
    try {
      say("");
      if (query && wholeMs > SOON_MS) {
        const { html, isWhole } = await answer(query, true, signal);
        show(html, query);
        if (isWhole) return;
        await rest(signal);
      }
      const begun = performance.now();
      const { html } = await answer(query, false, signal);
      wholeMs = query ? performance.now() - begun : wholeMs;
      show(html, query);
    } catch (error) {
      if (error.name !== "AbortError") say(words.failed.replace("{why}", error.message));
    }
  };

  const typed = () => {
    clearTimeout(timer);
    const isAlone = performance.now() - keyAt > WAIT_MS;
    keyAt = performance.now();
    if (isAlone) ask();
    else timer = setTimeout(ask, WAIT_MS);
  };

  const toggle = (token) => {
    const around = ` ${typedQuery()} `;
    const without = around.replaceAll(` ${token} `, " ");
    box.value = (around === without ? `${typedQuery()} ${token}` : without).trim();
    for (const menu of all(".filters details")) menu.open = false;
    ask();
  };

  if (results) {
    // While Chinese is being typed the box holds letters that are not meant yet.
    box.addEventListener("input", (event) => {
      if (!event.isComposing) typed();
    });
    box.addEventListener("compositionend", typed);
    box.form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (shown !== typedQuery()) await ask();
      move(1, true);
    });
    document.addEventListener("click", (event) => {
      const link = event.target.closest("[data-token]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      toggle(link.dataset.token);
    });
  }

  // --- papers by the keyboard ---

  const linkOf = (item) => (item.matches(".paper") ? null : item.querySelector("h2 a, h3 a, a"));
  const current = () => document.activeElement.closest("[data-item]");

  const move = (step, isFromTop = false) => {
    const items = all("[data-item]").filter(linkOf);
    if (!items.length) return;
    const at = isFromTop ? -1 : items.indexOf(current());
    const next = items[Math.min(Math.max(at + step, 0), items.length - 1)];
    linkOf(next).focus();
    next.scrollIntoView({ block: "nearest" });
  };

  const press = (key) => {
    const within = [current(), document.querySelector(".paper")];
    within.map((one) => one?.querySelector(`button[data-key="${key}"]`)).find(Boolean)?.click();
  };

  const showHelp = () => (help.open ? help.close() : help.showModal());

  const KEYS = {
    "/": () => box.select(),
    j: () => move(1),
    k: () => move(-1),
    s: () => press("s"),
    r: () => press("r"),
    e: () => press("e"),
    b: () => history.back(),
    m: () => location.assign("/months"),
    "?": showHelp,
  };

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input:not([type=hidden]), textarea, select")) {
      if (event.key === "Escape") {
        event.preventDefault();
        event.target.blur();
      } else if (event.key === "ArrowDown" && event.target === box) {
        event.preventDefault();
        move(1, true);
      }
      return;
    }
    if (help.open && event.key !== "?") return;
    if (event.key === "Escape") {
      for (const menu of all("details[open]")) menu.open = false;
      say("");
    }
    const does = KEYS[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-help]")) showHelp();
    if (event.target === help) help.close(); // beside what it holds
    const copied = event.target.closest("[data-copy]");
    if (copied) {
      const place = copied.parentElement.querySelector("[data-place]").textContent;
      navigator.clipboard.writeText(place).then(() => say(`${place} ${words.copied}`), (error) => say(error.message));
    }
    const opened = event.target.closest("[data-item] a");
    if (opened) sessionStorage.setItem(AT, opened.getAttribute("href"));
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  // --- forms that leave the page where it is ---

  const send = async (form, button) => {
    const key = button?.dataset.key;
    const address = new URL(form.getAttribute("action"), location.href);
    address.searchParams.set("fragment", "1");
    const body = new URLSearchParams(new FormData(form, button)); // before the button is off
    if (button) button.disabled = true;
    if (form.dataset.busy) say(form.dataset.busy);
    try {
      const response = await fetch(address, { method: "POST", body });
      const text = await response.text();
      if (!response.ok) throw new Error(text.trim());
      const part = form.closest("[data-part]");
      if (!part) {
        say(text);
        return;
      }
      const item = part.closest("[data-item]");
      const isHere = part.contains(document.activeElement) || document.activeElement === document.body;
      part.outerHTML = text;
      if (isHere) (item.querySelector(key ? `[data-key="${key}"]` : `[data-part] button:not([data-key])`))?.focus();
      if (form.dataset.busy) say("");
    } catch (error) {
      say(words.failed.replace("{why}", error.message));
    } finally {
      if (button) button.disabled = false;
    }
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-quiet]")) {
      const data = event.submitter;
      event.preventDefault();
      send(form, data);
    } else if (form.dataset.slow) {
      say(form.dataset.slow);
    }
  });

  // --- back to the list: where one was ---

  const [arrival] = performance.getEntriesByType("navigation");
  if (arrival?.type === "back_forward") {
    const at = sessionStorage.getItem(AT);
    const link = all("[data-item] a").find((one) => one.getAttribute("href") === at);
    if (link) {
      link.focus();
      link.closest("[data-item]").scrollIntoView({ block: "nearest" });
    }
  }
  addEventListener("pageshow", (event) => {
    if (event.persisted) say("");
  });
})();

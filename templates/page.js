"use strict";
(() => {
  const bar = document.getElementById("bar");
  const columns = document.querySelector(".columns");
  const box = document.getElementById("filter");
  const count = document.getElementById("count");
  const nothing = document.getElementById("nothing");
  const toc = document.getElementById("toc");
  const fold = (text) => text.normalize("NFKC").toLowerCase();
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const textOf = (entry, parts) => fold(all(parts, entry).map((part) => part.textContent).join("\n"));

  // What is filtered, in the order of the page; the contents list the same in the same order.
  const tocEntries = all("[data-toc-entry]");
  const tocSections = all("[data-toc-section]");
  let total = 0;
  const sections = all("[data-section]").map((section, at) => ({
    shown: [section, tocSections[at]],
    entries: all("[data-entry]", section).map((entry) => ({ entry, shown: [entry, tocEntries[total++]] })),
  }));

  const show = (elements, isShown) => {
    for (const element of elements) if (element && element.hidden === isShown) element.hidden = !isShown;
  };

  const apply = () => {
    const words = fold(box.value).split(/\s+/).filter(Boolean);
    let found = 0;
    for (const section of sections) {
      let left = 0;
      for (const one of section.entries) {
        one.text ??= textOf(one.entry, "[data-find]");
        const isFound = words.every((word) => one.text.includes(word));
        show(one.shown, isFound);
        if (isFound) {
          left += 1;
          one.open ??= textOf(one.entry, "[data-find]:not([data-folded])");
          const isInside = !words.every((word) => one.open.includes(word));
          if (isInside !== Boolean(one.isInside)) one.entry.classList.toggle("found-inside", (one.isInside = isInside));
        }
      }
      show(section.shown, left > 0);
      found += left;
    }
    nothing.hidden = found > 0 || total === 0;
    count.value = count.dataset[words.length ? "found" : "counted"].replace("{found}", found).replace("{all}", total);
  };

  const keep = () => {
    const query = box.value.trim();
    history.replaceState(null, "", query ? "#q=" + encodeURIComponent(query) : location.pathname + location.search);
  };

  const clear = () => {
    box.value = "";
    apply();
    keep();
  };

  // #q=… is a query to share; any other fragment is an entry, which the filter must not hide.
  const decode = (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  const read = () => {
    const fragment = decode(location.hash.slice(1));
    const target = fragment && document.getElementById(fragment);
    if (!target || target.closest("[hidden]")) {
      box.value = fragment.startsWith("q=") ? fragment.slice(2) : "";
      apply();
    }
    if (target) reach(target, 8);
  };

  // Where entries out of sight have no size yet, they get it on the way, and the target moves.
  const reach = (target, frames) => {
    target.scrollIntoView();
    if (frames) requestAnimationFrame(() => reach(target, frames - 1));
  };

  const typed = () => {
    apply();
    keep();
    if (columns.getBoundingClientRect().top < 0) columns.scrollIntoView(); // where what is found begins
  };

  // While Chinese is being typed the box holds letters that are not meant yet.
  box.addEventListener("input", (event) => {
    if (!event.isComposing) typed();
  });
  box.addEventListener("compositionend", typed);
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && event.target !== box) {
      event.preventDefault();
      box.focus();
      box.select();
    } else if (event.key === "Escape") {
      if (box.value) clear();
      else box.blur();
    }
  });
  addEventListener("hashchange", read);

  bar.hidden = false;
  if (toc && matchMedia("(max-width: 63.99rem)").matches) toc.open = false;
  document.body.classList.toggle("many", total > 100);
  apply();
  read();
})();

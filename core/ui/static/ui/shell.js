/* Of every page: the palette (Ctrl K), keyboard help, g and a letter, panels that load when they are opened. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const typing = (el) => el && ((/^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) && !/^(checkbox|radio|button|submit)$/.test(el.type)) || el.isContentEditable);

  /* -- panels of the corner: asked for when opened, emptied when closed, so that nothing goes on asking unseen ------- */
  document.addEventListener(
    "toggle",
    (event) => {
      const pick = event.target;
      if (!pick.matches?.("details[data-load]")) return;
      const box = $(".pick-box", pick);
      if (pick.open) window.htmx.ajax("GET", pick.dataset.load, { target: box, swap: "innerHTML" });
      else box.replaceChildren();
    },
    true,
  );

  /* -- the palette ---------------------------------------------------------------------------------------------------- */
  const palette = $("#palette");
  const input = palette && $("input", palette);
  const found = palette && $("#palette-found");
  let asked = 0;
  let wait = 0;
  let last = null;

  const options = () => $$("[role=option]", found);
  const choose = (index) => {
    const all = options();
    if (!all.length) return input.removeAttribute("aria-activedescendant");
    const at = (index + all.length) % all.length;
    all.forEach((one, place) => one.setAttribute("aria-selected", String(place === at)));
    input.setAttribute("aria-activedescendant", all[at].id);
    all[at].scrollIntoView({ block: "nearest" });
  };
  const chosen = () => options().findIndex((one) => one.getAttribute("aria-selected") === "true");
  const ask = async () => {
    const text = input.value.trim();
    if (text === last) return;
    const turn = ++asked;
    palette.toggleAttribute("data-busy", true);
    try {
      const answer = await fetch(`${palette.dataset.url}?q=${encodeURIComponent(text)}`, { headers: { "HX-Request": "true", "HX-Current-URL": location.href } });
      if (turn !== asked) return; // a later question is on its way
      const elsewhere = answer.headers.get("HX-Redirect"); // signed out meanwhile
      if (elsewhere) location.href = elsewhere;
      if (!answer.ok) return;
      found.innerHTML = await answer.text();
      last = text;
      choose(0);
    } finally {
      if (turn === asked) palette.removeAttribute("data-busy");
    }
  };
  const open = () => {
    if (!palette || palette.open) return;
    for (const dialog of $$("dialog[open]")) dialog.close();
    for (const pick of $$("details.pick[open]")) pick.open = false;
    document.body.classList.remove("menu-open");
    palette.showModal();
    input.select();
    last = null;
    ask();
  };
  if (palette) {
    input.addEventListener("input", () => {
      clearTimeout(wait);
      wait = setTimeout(ask, 140);
    });
    input.addEventListener("keydown", async (event) => {
      if (event.isComposing) return; // Enter of an input method
      if (event.key === "ArrowDown") choose(chosen() + 1);
      else if (event.key === "ArrowUp") choose(chosen() - 1);
      else if (event.key === "Escape") palette.close(); // the browser would only empty the field
      else if (event.key === "Enter") {
        event.preventDefault();
        const ctrl = event.ctrlKey || event.metaKey;
        clearTimeout(wait);
        await ask(); // typed and entered at once, as scanners do
        const one = options()[Math.max(0, chosen())];
        if (one && ctrl) window.open(one.href, "_blank", "noopener");
        else if (one) location.href = one.href;
        return;
      } else return;
      event.preventDefault();
    });
    found.addEventListener("mousemove", (event) => {
      const one = event.target.closest("[role=option]");
      if (one && one.getAttribute("aria-selected") !== "true") choose(options().indexOf(one));
    });
    palette.addEventListener("click", (event) => {
      if (event.target === palette) palette.close();
    });
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette]")) open();
  });

  /* -- keys --------------------------------------------------------------------------------------------------------- */
  let jumping = 0;
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (palette?.open) palette.close();
      else open();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || $("dialog[open]")) return;
    if (event.key === "?") {
      event.preventDefault();
      $("#help")?.showModal();
    } else if (jumping && Date.now() - jumping < 1500) {
      const link = $(`.menu a[data-jump="${CSS.escape(event.key.toLowerCase())}"]`);
      jumping = 0;
      if (!link) return;
      event.preventDefault();
      event.stopImmediatePropagation(); // the letter means nothing else then
      location.href = link.href;
    } else if (event.key === "g") jumping = Date.now();
  }, true);
})();

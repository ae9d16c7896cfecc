/* Lines of an order by hand: SKUs found while one types, lines pasted at once, rows added and removed, totals. */
(() => {
  "use strict";
  const near = (el, selector) => el?.closest?.(selector);
  const form = (el) => near(el, "form.hand");
  let asked = 0;
  let timer = 0;

  /* -- finding a SKU ------------------------------------------------------------------------------------------------ */
  const listOf = (input) => input.parentElement.querySelector(".sku-list");
  const shut = (input) => {
    const list = listOf(input);
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
  };
  const find = async (input) => {
    const mine = ++asked;
    const text = input.value.trim();
    if (!text) return shut(input);
    const answer = await fetch(`${near(input, "[data-items]").dataset.skus}?sku=${encodeURIComponent(text)}`, { headers: { "HX-Request": "true" } });
    if (mine !== asked || !answer.ok || document.activeElement !== input) return;
    const list = listOf(input);
    list.innerHTML = await answer.text();
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark(list, 0);
  };
  const options = (list) => [...list.querySelectorAll("[data-sku-code]")];
  const mark = (list, at) => options(list).forEach((one, index) => {
    one.classList.toggle("on", index === at);
    one.setAttribute("aria-selected", String(index === at));
    if (index === at) one.scrollIntoView({ block: "nearest" });
  });
  const take = (input, option) => {
    input.value = option.dataset.skuCode;
    input.removeAttribute("aria-invalid");
    input.parentElement.querySelector("[data-sku-name]").textContent = option.dataset.skuTitle;
    input.parentElement.querySelector(".error")?.remove();
    shut(input);
    const row = near(input, ".item");
    const quantity = row.querySelector("[data-quantity]");
    if (quantity && !quantity.value) quantity.value = "1";
    quantity?.focus();
    quantity?.select();
    sum(input);
  };

  document.addEventListener("input", (event) => {
    const input = event.target;
    if (!form(input)) return;
    if (input.matches("[data-sku]")) {
      input.parentElement.querySelector("[data-sku-name]").textContent = "";
      clearTimeout(timer);
      timer = setTimeout(() => find(input), 180);
    }
    sum(input);
  });
  document.addEventListener("keydown", (event) => {
    const input = event.target;
    if (!input.matches?.("[data-sku]") || !form(input)) return;
    const list = listOf(input);
    const all = options(list);
    const at = all.findIndex((one) => one.classList.contains("on"));
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (list.hidden) return;
      mark(list, Math.max(0, Math.min(all.length - 1, at + (event.key === "ArrowDown" ? 1 : -1))));
    } else if (event.key === "Enter") {
      if (!list.hidden && all[at]) take(input, all[at]);
    } else if (event.key === "Escape" && !list.hidden) shut(input);
    else return;
    event.preventDefault();
  });
  document.addEventListener("focusout", (event) => {
    const pick = near(event.target, ".sku-pick");
    if (pick && form(pick) && !pick.contains(event.relatedTarget)) setTimeout(() => shut(pick.querySelector("[data-sku]")), 120);
  });
  document.addEventListener("mousedown", (event) => {
    const option = near(event.target, "[data-sku-code]");
    if (!option) return;
    event.preventDefault();
    take(near(option, ".sku-pick").querySelector("[data-sku]"), option);
  });

  /* -- rows --------------------------------------------------------------------------------------------------------- */
  const add = (items) => {
    const fresh = items.querySelector("[data-item-new]").content.firstElementChild.cloneNode(true);
    const into = items.querySelector("[data-added]");
    if (into) into.append(fresh);
    else items.insertBefore(fresh, items.querySelector("[data-item-new]"));
    return fresh;
  };
  document.addEventListener("click", (event) => {
    let hit;
    if ((hit = near(event.target, "[data-item-add]"))) {
      event.preventDefault();
      add(form(hit).querySelector("[data-items]")).querySelector("[data-sku]").focus();
    } else if ((hit = near(event.target, "[data-item-remove]"))) {
      const items = near(hit, "[data-items]");
      near(hit, "[data-item]").remove();
      if (!items.classList.contains("edits") && !items.querySelector("[data-item]")) add(items);
      sum(items);
    } else if ((hit = near(event.target, "[data-line-out]"))) {
      const row = near(hit, ".item");
      const pieces = row.querySelector("[data-quantity]");
      if (pieces.value === "0") pieces.value = pieces.dataset.before ?? pieces.defaultValue;
      else [pieces.dataset.before, pieces.value] = [pieces.value, "0"];
      row.classList.toggle("gone", pieces.value === "0");
    }
  });
  document.addEventListener("paste", (event) => {
    const input = event.target;
    if (!input.matches?.("[data-sku]") || !near(input, "[data-item]")) return;
    const lines = (event.clipboardData?.getData("text") ?? "").split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
    if (lines.length < 2 && !/\t/.test(lines[0] ?? "")) return;
    event.preventDefault();
    const items = near(input, "[data-items]");
    let row = near(input, "[data-item]");
    for (const line of lines) {
      const cells = line.includes("\t") ? line.split("\t") : line.split(/\s*[,;]\s*|\s+/);
      row ??= add(items);
      ["[data-sku]", "[data-quantity]", "[data-price]"].forEach((selector, index) => {
        const field = row.querySelector(selector);
        if (field && cells[index]) field.value = cells[index].trim().replace(/^[x×]/i, "");
      });
      do row = row.nextElementSibling;
      while (row && (!row.matches("[data-item]") || row.querySelector("[data-sku]").value));
    }
    sum(items);
  });

  /* -- totals -------------------------------------------------------------------------------------------------------- */
  const amount = (text) => {
    const plain = (text ?? "").replace(/[\s']/g, "");
    const dotted = /^\d+,\d{1,2}$/.test(plain) ? plain.replace(",", ".") : plain.replace(/,(?=\d{3})/g, "");
    return Number(dotted || 0);
  };
  function sum(inside) {
    const whole = form(inside);
    const total = whole?.querySelector("[data-total]");
    if (!total) return;
    const shown = (number) => number.toLocaleString(document.documentElement.lang, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    let all = amount(whole.querySelector("[data-shipping]")?.value);
    for (const row of whole.querySelectorAll("[data-item]")) {
      const filled = row.querySelector("[data-sku]").value.trim();
      const one = amount(row.querySelector("[data-quantity]").value || "1") * amount(row.querySelector("[data-price]")?.value);
      const cell = row.querySelector("[data-line-total]");
      if (cell) cell.textContent = filled && Number.isFinite(one) ? shown(one) : "";
      if (filled) all += one;
    }
    total.textContent = Number.isFinite(all) ? shown(all) : "—";
  }
  const start = () => document.querySelectorAll("form.hand").forEach(sum);
  start();
  document.addEventListener("htmx:load", start);
  // A pasted address is read at once: one click less for what is pasted all day.
  document.addEventListener("paste", (event) => {
    if (event.target.matches?.("[data-paste]")) setTimeout(() => near(event.target, ".paste").querySelector("[data-read]").click());
  });
})();

// An order that is on its way to its next state: the page shows it as soon as it is there, unless somebody types in it.
// In place: loading the page again would fetch back whoever is just going on to another one.
(() => {
  const PARTS = [".head-title", ".head-acts", "#main"];
  const DIALOGS = "dialog[id^=ask-]";
  const state = (root) => root.querySelector("[data-moving]")?.dataset.moving;
  const busy = () =>
    document.querySelector("dialog[open]") ||
    [...document.querySelectorAll("main textarea, main input:not([type=hidden])")].some((field) => field.value !== field.defaultValue);
  const show = (page) => {
    const fresh = PARTS.map((part) => page.querySelector(part));
    if (fresh.includes(null)) return location.reload(); // another page stands at this address now: the sign-in, say
    PARTS.forEach((part, place) => document.querySelector(part).replaceWith(fresh[place]));
    document.querySelectorAll(DIALOGS).forEach((one) => one.remove());
    const dialogs = [...page.querySelectorAll(DIALOGS)];
    document.body.append(...dialogs);
    for (const one of [...fresh, ...dialogs]) htmx.process(one);
  };
  let looks = 0;
  const look = async () => {
    looks += 1;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (answer.ok && state(page) !== state(document) && !busy()) {
        show(page);
        looks = 0;
      }
    } catch {
      // the network is away: the next look may find it again
    }
    if (state(document) && looks < 40) setTimeout(look, Math.min(1000 + looks * 250, 6000));
  };
  if (state(document)) setTimeout(look, 800);
})();

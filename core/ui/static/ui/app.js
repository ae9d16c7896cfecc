/* Small behaviours of the shell and of every list. No framework; pages work without it, only slower. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const typing = (el) => el && ((/^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) && !/^(checkbox|radio|button|submit)$/.test(el.type)) || el.isContentEditable);

  /* -- shell: drawer, dialogs, toasts, dropdowns ------------------------------------------------------------------ */
  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest(selector);
    let hit;
    if (on("[data-menu]")) {
      const open = document.body.classList.toggle("menu-open");
      $(".burger")?.setAttribute("aria-expanded", String(open));
    } else if ((hit = on("[data-dismiss]"))) {
      hit.closest("[data-toast], .outcome").remove();
    } else if ((hit = on("[data-dialog]"))) {
      const dialog = document.getElementById(hit.dataset.dialog);
      const fields = $("fieldset[disabled]", dialog);
      if (fields) {
        fields.disabled = false;
        dialog.addEventListener("close", () => (fields.disabled = true), { once: true });
      }
      dialog.showModal();
    } else if ((hit = on("[data-close]"))) {
      hit.closest("dialog").close();
    } else if (on("[data-help]")) {
      $("#help")?.showModal();
    } else if ((hit = on("[data-back]")) && history.length > 1) {
      event.preventDefault();
      history.back();
    } else if ((hit = on("[data-copy]"))) {
      navigator.clipboard?.writeText(hit.dataset.copy);
    }
    for (const open of $$("details.pick[open]")) if (!open.contains(event.target)) open.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const open of $$("details.pick[open]")) {
      open.open = false;
      $("summary", open).focus();
    }
    document.body.classList.remove("menu-open");
  });
  const fade = (toast) => {
    if (toast.classList.contains("good")) setTimeout(() => toast.remove(), 6000);
  };
  $$("[data-toast]").forEach(fade);
  document.addEventListener("htmx:load", (event) => {
    if (event.target.matches?.("[data-toast]")) fade(event.target);
    $$("[data-toast]", event.target).forEach(fade);
    // Chosen before the scripts were there (a slow line, a page come back to): asked for now, not lost.
    for (const select of $$("select[hx-get], select[hx-post]", event.target)) {
      const told = $("option[selected]", select) ?? select.options[0];
      if (told && select.value !== told.value) htmx.trigger(select, "change");
    }
  });
  // Whoever has gone on to another page is not fetched back by an answer that comes while that one is on its way.
  const PATIENCE = 15_000; // ms; leaving may also end in a download, after which this page stands and works on
  let left = -PATIENCE;
  window.navigation?.addEventListener("navigate", (event) => {
    if (!event.hashChange) left = performance.now();
  });
  window.addEventListener("pageshow", () => (left = -PATIENCE));
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.requestConfig.verb !== "get") left = -PATIENCE; // an act of this page, not one of its looks around
  });
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const to = event.detail.xhr.getResponseHeader("HX-Redirect");
    if (to && performance.now() - left < PATIENCE) event.preventDefault();
  });
  document.addEventListener("input", (event) => {
    if (!event.target.matches("[data-pick-find]")) return;
    const wanted = event.target.value.toLowerCase();
    for (const label of $$("label", event.target.parentElement)) label.hidden = !label.textContent.toLowerCase().includes(wanted);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-autosubmit]")) event.target.form.requestSubmit();
  });

  /* -- lists: selection, bulk bar, keyboard ------------------------------------------------------------------------ */
  const list = $("[data-list]");
  const bulk = $("[data-bulk]");
  if (list) {
    const rows = () => $$("tbody tr[data-id]", list);
    const boxes = () => $$("tbody .c-check input", list);
    let every = false;
    let last = null;
    let at = -1;

    const draw = () => {
      if (!bulk) return;
      const ticked = boxes().filter((box) => box.checked);
      for (const box of boxes()) box.closest("tr").classList.toggle("picked", box.checked);
      if (ticked.length < boxes().length) every = false;
      bulk.hidden = ticked.length === 0;
      document.body.classList.toggle("has-bulk", ticked.length > 0);
      $("[data-bulk-all]", bulk).value = every ? "1" : "0";
      const count = $("[data-bulk-count]", bulk);
      const text = every ? count.dataset.every : ticked.length === 1 ? count.dataset.one : count.dataset.many.replace("{n}", ticked.length);
      count.textContent = text;
      $$("[data-bulk-echo]").forEach((el) => (el.textContent = text));
      const button = $("[data-bulk-every]", bulk);
      if (button) button.hidden = every || ticked.length < boxes().length;
      const all = $("[data-all]", list);
      if (all) {
        all.checked = ticked.length > 0 && ticked.length === boxes().length;
        all.indeterminate = ticked.length > 0 && ticked.length < boxes().length;
      }
    };
    const tick = (value) => {
      every = false;
      for (const box of boxes()) box.checked = value;
      draw();
    };
    const go = (step) => {
      const all = rows();
      if (!all.length) return;
      at = Math.max(0, Math.min(all.length - 1, at + step));
      all.forEach((row, index) => row.classList.toggle("current", index === at));
      all[at].scrollIntoView({ block: "nearest" });
    };

    list.addEventListener("click", (event) => {
      const box = event.target.closest(".c-check input");
      if (box && box.matches("[data-all]")) return tick(box.checked);
      if (box) {
        const all = boxes();
        const here = all.indexOf(box);
        if (event.shiftKey && last !== null) for (let i = Math.min(here, last); i <= Math.max(here, last); i++) all[i].checked = box.checked;
        last = here;
        at = here;
        return draw();
      }
      const row = event.target.closest("tr[data-href]");
      if (!row || event.target.closest("a, button, label, input, details") || String(getSelection())) return;
      if (event.metaKey || event.ctrlKey) open(row.dataset.href, "_blank", "noopener");
      else location.href = row.dataset.href;
    });
    bulk?.addEventListener("click", (event) => {
      if (event.target.closest("[data-bulk-every]")) {
        every = true;
        draw();
      } else if (event.target.closest("[data-bulk-none]")) tick(false);
    });
    document.addEventListener("htmx:afterSettle", draw);
    window.addEventListener("pageshow", draw);
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) && event.key !== "Escape" || $("dialog[open]")) return;
      const current = rows()[at];
      if (event.key === "j") go(1);
      else if (event.key === "k") go(-1);
      else if (event.key === "x" && current) {
        const box = $(".c-check input", current);
        if (box) {
          box.checked = !box.checked;
          draw();
        }
      } else if (event.key === "Enter" && current?.dataset.href && !event.target.closest("a, button, summary")) location.href = current.dataset.href;
      else if (event.key === "/") $("[data-search]")?.focus();
      else if (event.key === "Escape") {
        if (typing(event.target)) event.target.blur();
        else tick(false);
      } else return;
      if (event.key !== "Escape") event.preventDefault();
    });
    draw();
  }

  /* -- record pages: [ and ] walk through the list that one came from ---------------------------------------------- */
  document.addEventListener("keydown", (event) => {
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
    const link = event.key === "[" ? $("a[data-newer]") : event.key === "]" ? $("a[data-older]") : null;
    if (link) location.href = link.href;
  });

  /* -- charts: <div data-chart="id of a JSON block"> --------------------------------------------------------------- */
  const chart = (box) => {
    if (!window.echarts || box.dataset.drawn) return;
    box.dataset.drawn = "1";
    const given = JSON.parse(document.getElementById(box.dataset.chart).textContent);
    // A canvas understands no oklch(): let the browser turn the theme's colours into plain ones.
    const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const colour = (name) => {
      probe.fillStyle = getComputedStyle(document.body).getPropertyValue(name).trim() || "#888";
      probe.fillRect(0, 0, 1, 1);
      const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
      return `rgb(${r},${g},${b})`;
    };
    const ink = colour("--ink-2");
    const line = colour("--line");
    const drawn = window.echarts.init(box, null, { renderer: "svg" });
    drawn.setOption({
      animation: false,
      color: given.series.map((one, index) => colour(one.colour || `--chart-${(index % 6) + 1}`)),
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 11 },
      grid: { left: 4, right: 8, top: given.series.length > 1 ? 28 : 8, bottom: 0, containLabel: true },
      legend: given.series.length > 1 ? { type: "scroll", top: 0, left: 0, right: 0, pageTextStyle: { color: ink }, itemWidth: 10, itemHeight: 10, itemGap: 12, icon: "roundRect", textStyle: { color: ink, fontSize: 11 } } : undefined,
      tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, confine: true, backgroundColor: colour("--surface"), borderColor: line, textStyle: { color: colour("--ink"), fontSize: 12 } },
      xAxis: { type: "category", data: given.labels, axisTick: { show: false }, axisLine: { lineStyle: { color: line } }, axisLabel: { color: ink, fontSize: 11, hideOverlap: true } },
      yAxis: { type: "value", minInterval: 1, splitLine: { lineStyle: { color: line } }, axisLabel: { color: ink, fontSize: 11 } },
      series: given.series.map((one, index) => ({
        name: one.name, type: "bar", stack: "all", data: one.values, barMaxWidth: 26,
        itemStyle: { borderRadius: index === given.series.length - 1 ? [2, 2, 0, 0] : 0 },
      })),
    });
    new ResizeObserver(() => drawn.resize()).observe(box);
  };
  const charts = () => $$("[data-chart]").forEach(chart);
  if (document.readyState === "complete") charts();
  else window.addEventListener("load", charts);
})();

/* The list of rules: drag a rule by its grip, or Alt+↑ and Alt+↓ (and the arrow buttons) wherever the focus is in it.
   Trying rules: who types how many orders, or which, has chosen those. */
(() => {
  "use strict";
  document.addEventListener("input", (event) => {
    const choice = event.target.closest?.(".try-kind")?.querySelector("[type=radio]");
    if (choice) choice.checked = true;
  });
  const list = () => document.getElementById("rules");
  if (!list()) return;
  let dragged = null;

  const clear = () => list().querySelectorAll(".drop-before, .drop-after").forEach((one) => one.classList.remove("drop-before", "drop-after"));
  const place = (event) => {
    const row = event.target.closest?.("[data-rule]");
    if (!dragged || !row || row === dragged) return null;
    const box = row.getBoundingClientRect();
    return { row, after: event.clientY > box.top + box.height / 2 };
  };
  document.addEventListener("dragstart", (event) => {
    const grip = event.target.closest?.(".grip");
    if (!grip) return;
    dragged = grip.closest("[data-rule]");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.rule);
    event.dataTransfer.setDragImage(dragged, 10, 10);
    dragged.classList.add("dragged");
  });
  document.addEventListener("dragover", (event) => {
    const to = place(event);
    if (!to) return;
    event.preventDefault();
    clear();
    to.row.classList.add(to.after ? "drop-after" : "drop-before");
  });
  document.addEventListener("drop", (event) => {
    const to = place(event);
    if (!to) return;
    event.preventDefault();
    const before = to.after ? to.row.nextElementSibling : to.row;
    if (before === dragged) return;
    const form = list().querySelector("form");
    const values = { act: `place:${dragged.dataset.rule}:${before?.dataset.rule ?? ""}`, csrfmiddlewaretoken: form.elements.csrfmiddlewaretoken.value };
    window.htmx.ajax("POST", form.action, { source: form, target: "#rules", swap: "outerHTML", values });
  });
  document.addEventListener("dragend", () => {
    dragged?.classList.remove("dragged");
    dragged = null;
    clear();
  });

  document.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || !/^Arrow(Up|Down)$/.test(event.key)) return;
    const row = event.target.closest("[data-rule]");
    if (!row) return;
    event.preventDefault();
    row.querySelector(event.key === "ArrowUp" ? "[data-up]" : "[data-down]")?.click();
  });
  // After a move the focus stays with the rule, also where its button has become idle.
  let focused = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "rules") focused = document.activeElement?.closest("[data-rule]")?.dataset.rule ? document.activeElement.id : null;
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (!focused) return;
    const same = document.getElementById(focused);
    const row = same?.closest("[data-rule]");
    if (same && !same.disabled) same.focus();
    else (row ?? list()).querySelector("[data-up]:not([disabled]), [data-down]:not([disabled]), a, button")?.focus();
    focused = null;
  });
})();

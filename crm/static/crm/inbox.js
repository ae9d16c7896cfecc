/* Templates: put the filled-in text into the answer. What somebody wrote already stays above it. */
(() => {
  "use strict";
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fill]");
    if (!button) return;
    const field = document.querySelector(button.dataset.fill);
    const text = button.parentElement.querySelector("[data-fill-text]").value;
    field.value = field.value.trim() ? `${field.value.trim()}\n\n${text}` : text;
    field.focus();
  });
})();

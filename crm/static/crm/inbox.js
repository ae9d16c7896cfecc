/* A conversation: templates into the answer, the draft kept while it is written, who else is here, Ctrl-Enter sends. */
(() => {
  "use strict";
  const SIGN_EVERY = 15000;
  const box = () => document.querySelector("[data-draft]");
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fill]");
    if (!button) return;
    const field = document.querySelector(button.dataset.fill);
    const text = button.parentElement.querySelector("[data-fill-text]").value;
    // What somebody wrote already stays above it.
    field.value = field.value.trim() ? `${field.value.trim()}\n\n${text}` : text;
    field.focus();
    later();
  });

  let kept = box()?.value ?? "";
  let waiting = 0;
  let sending = false;
  const body = (writing) => {
    const data = new URLSearchParams();
    const text = box()?.value ?? "";
    data.set("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "");
    if (writing) data.set("writing", "1");
    if (text !== kept) data.set("draft", text);
    return [data, text];
  };
  const sign = async (writing) => {
    const place = document.querySelector("[data-here]");
    if (!place || sending) return;
    const [data, text] = body(writing);
    try {
      const answer = await fetch(place.dataset.here, { method: "POST", body: data, headers: { "HX-Request": "true" } });
      if (!answer.ok) return;
      kept = text;
      const html = await answer.text();
      if (place.innerHTML.trim() !== html.trim()) place.innerHTML = html;
    } catch {
      /* offline: the next one tells */
    }
  };
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => sign(true), 1200);
  };
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-draft]")) later();
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.closest?.("#answer form")) {
      clearTimeout(waiting);
      sending = true; // the answer itself: no draft after it
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.failed || event.detail.xhr?.status !== 200 || !event.detail.xhr.getResponseHeader("HX-Redirect")) sending = false;
  });
  // The page is left in the middle of a sentence.
  window.addEventListener("pagehide", () => {
    const place = document.querySelector("[data-here]");
    const [data, text] = body(false);
    if (place && !sending && text !== kept) navigator.sendBeacon(place.dataset.here, data);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !event.target.matches("[data-draft]")) return;
    event.preventDefault();
    const form = event.target.form;
    (form.querySelector("[data-and-next]") ?? form.querySelector("button[type=submit]")).click(); // as the mouse would
  });
  if (document.querySelector("[data-here]")) {
    sign(false);
    setInterval(() => {
      if (!document.hidden) sign(false);
    }, SIGN_EVERY);
  }
})();

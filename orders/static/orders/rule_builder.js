/* The editor of a rule's conditions: nested groups, a fitting widget for every value. The structure is posted as JSON. */
(() => {
  "use strict";
  const box = document.querySelector("[data-builder]");
  if (!box) return;
  const json = (id) => JSON.parse(document.getElementById(id).textContent);
  const V = json("rule-words");
  const W = V.words;
  const fields = new Map(V.fields.map((field) => [field.name, field]));
  const form = box.closest("form");
  const hidden = form.querySelector("[name=conditions]");
  const status = document.querySelector("[data-builder-status]");
  const EMPTY = ["is_set", "is_empty"];
  let last = 0;
  let gone = null; // what was removed last, for undo

  const el = (tag, attrs = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attrs)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (name === "value") made.value = value;
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  };
  const icon = (name) => el("i", { class: `ti ti-${name}`, "aria-hidden": "true" });
  const isGroup = (node) => node.kind !== "leaf";

  /* -- between JSON and the tree that is drawn -------------------------------------------------------------------- */
  const leafOf = (given, path) => ({
    id: ++last, kind: "leaf", path, field: given.field ?? "", op: given.op ?? "", value: given.value, lines: given.lines ?? "any",
  });
  const groupOf = (kind, children, path) => ({ id: ++last, kind, path, children });
  const read = (node, path) => {
    if (!node || typeof node !== "object") return leafOf({}, path);
    for (const kind of ["all", "any"]) {
      if (Array.isArray(node[kind])) return groupOf(kind, node[kind].map((child, at) => read(child, `${path}.${kind}.${at}`)), path);
    }
    if (node.not !== undefined) {
      const inner = node.not ?? {};
      for (const [kind, name] of [["any", "none"], ["all", "notall"]]) {
        if (Array.isArray(inner[kind])) return groupOf(name, inner[kind].map((child, at) => read(child, `${path}.not.${kind}.${at}`)), path);
      }
      return groupOf("none", [read(inner, `${path}.not`)], path);
    }
    return leafOf(node, path);
  };
  const given = json("rule-conditions");
  let root = read(given, "conditions");
  const bare = !isGroup(root);
  if (bare) root = groupOf("all", [root], "conditions");

  const write = (node, path) => {
    node.path = path;
    if (!isGroup(node)) {
      const out = { field: node.field, op: node.op };
      if (!EMPTY.includes(node.op)) out.value = node.value ?? "";
      if (fields.get(node.field)?.many) out.lines = node.lines;
      return out;
    }
    if (node === root && bare && node.kind === "all" && node.children.length === 1) return write(node.children[0], path);
    const inner = (kind, below) => ({ [kind]: node.children.map((child, at) => write(child, `${below}.${kind}.${at}`)) });
    if (node.kind === "all" || node.kind === "any") return inner(node.kind, path);
    if (node.kind === "none" && node.children.length === 1) return { not: write(node.children[0], `${path}.not`) };
    return { not: inner(node.kind === "none" ? "any" : "all", `${path}.not`) };
  };
  const keep = () => { hidden.value = JSON.stringify(write(root, "conditions")); };
  const walk = function* (node) {
    yield node;
    for (const child of node.children ?? []) yield* walk(child);
  };
  const parentOf = (node) => [...walk(root)].find((one) => one.children?.includes(node));
  const depthOf = (node) => {
    let deep = 0;
    for (let at = node; at; at = parentOf(at)) deep += at.kind === "none" || at.kind === "notall" ? 2 : isGroup(at) ? 1 : 0;
    return deep;
  };

  /* -- errors, told at the very condition -------------------------------------------------------------------------- */
  const errors = new Map();
  const mark = (problems) => {
    errors.clear();
    const all = [...walk(root)];
    for (const [path, said] of Object.entries(problems)) {
      let found = null;
      for (let at = path; at && !found; at = at.slice(0, at.lastIndexOf("."))) {
        found = all.find((node) => node.path === at);
        if (!at.includes(".")) break;
      }
      errors.set((found ?? root).id, said);
    }
  };
  const forgive = (node) => {
    errors.delete(node.id);
    const line = box.querySelector(`[data-error="${node.id}"]`);
    if (line) line.textContent = "";
    for (const bad of box.querySelectorAll(`[data-node="${node.id}"] [aria-invalid]`)) bad.removeAttribute("aria-invalid");
  };
  const changed = (node) => { dirty = true; forgive(node); keep(); };
  let dirty = false;

  /* -- values ------------------------------------------------------------------------------------------------------ */
  const text = (value) => (value === null || value === undefined || typeof value === "object" ? "" : String(value));
  const listOf = (value) => (Array.isArray(value) ? value.map(text) : text(value) ? [text(value)] : []);
  const fit = (node) => {
    const field = fields.get(node.field);
    if (!field) return;
    if (!field.ops.includes(node.op)) node.op = field.ops[0];
    const many = V.lists.includes(node.op);
    if (EMPTY.includes(node.op)) node.value = undefined;
    else if (field.type === "bool") node.value = typeof node.value === "boolean" ? node.value : true;
    else if (field.type === "money") {
      const one = Array.isArray(node.value) ? node.value[0] : node.value;
      const money = one && typeof one === "object" ? one : { amount: text(one), currency: "" };
      node.value = node.op === "between" ? (Array.isArray(node.value) ? node.value : [money, { ...money, amount: "" }]) : money;
    } else if (node.op === "between") node.value = Array.isArray(node.value) ? [text(node.value[0]), text(node.value[1])] : [text(node.value), ""];
    else if (many) node.value = listOf(node.value);
    else node.value = Array.isArray(node.value) ? text(node.value[0]) : text(node.value);
  };
  const select = (options, value, label, onchange, extra = {}) => {
    const made = el("select", { class: "control", "aria-label": label, onchange: (event) => onchange(event.target.value), ...extra });
    for (const [key, said] of options) made.append(el("option", { value: key, selected: key === value }, said));
    made.value = value;
    return made;
  };
  const line = (node, value, label, set, extra = {}) =>
    el("input", {
      class: "control", type: "text", autocomplete: "off", spellcheck: "false", value: text(value), "aria-label": label,
      oninput: (event) => { set(event.target.value); changed(node); }, ...extra,
    });
  const NUMERIC = { inputmode: "decimal", size: "8" };

  const money = (node) => {
    const pair = Array.isArray(node.value) ? node.value : [node.value];
    const currencies = [["", W.choose], ...V.choices.currency];
    const parts = pair.map((one, at) =>
      line(node, one.amount, pair.length > 1 ? (at ? W.to : W.from) : W.amount, (value) => { one.amount = value; }, NUMERIC));
    if (parts.length > 1) parts.splice(1, 0, el("span", {}, W.and));
    parts.push(select(currencies, text(pair[0].currency).toUpperCase(), W.currency, (value) => {
      for (const one of pair) one.currency = value;
      changed(node);
    }));
    return parts;
  };
  const pasted = (node) => {
    const count = el("small", { class: "quiet", "aria-live": "polite" });
    const split = (value) => value.split(/[\n\t,;，；、]+/).map((one) => one.trim()).filter(Boolean);
    const say = () => { count.textContent = W.counted.replace("{n}", node.value.length); };
    const area = el("textarea", {
      class: "control", rows: String(Math.min(8, Math.max(2, node.value.length))), "aria-label": W.value, placeholder: W.paste,
      spellcheck: "false", oninput: (event) => { node.value = split(event.target.value); say(); changed(node); },
    });
    area.value = node.value.join("\n");
    say();
    return [el("div", { class: "rb-paste" }, area, count)];
  };
  const chips = (node, field) => {
    const options = V.choices[field.choices];
    const names = new Map(options);
    const shown = el("span", { class: "rb-chips" });
    const listId = `rb-list-${node.id}`;
    const list = el("ul", { role: "listbox", id: listId, class: "rb-list", hidden: true, "aria-label": W.value });
    let active = -1;
    const find = (typed) => {
      const low = typed.toLowerCase();
      return options.find(([key]) => key.toLowerCase() === low) ?? options.find(([, said]) => said.toLowerCase().replace(/^.* · /, "") === low);
    };
    const add = (typed) => {
      const value = find(typed)?.[0] ?? typed;
      if (value && !node.value.includes(value)) node.value.push(value);
    };
    const drawChips = () => {
      shown.replaceChildren(...node.value.map((value) => {
        const wrong = !field.open && !names.has(value);
        const said = names.get(value) ?? value;
        return el("span", { class: `rb-chip${wrong ? " wrong" : ""}`, title: wrong ? W.unknown : null }, said,
          el("button", {
            type: "button", "aria-label": `${W.remove} ${said}`,
            onclick: () => { node.value.splice(node.value.indexOf(value), 1); changed(node); drawChips(); entry.focus(); },
          }, icon("x")));
      }));
    };
    const close = () => {
      list.hidden = true;
      active = -1;
      entry.setAttribute("aria-expanded", "false");
      entry.removeAttribute("aria-activedescendant");
    };
    const offer = () => {
      const low = entry.value.trim().toLowerCase();
      const rank = ([key, said]) => (key.toLowerCase() === low ? 0 : said.toLowerCase().replace(/^.* · /, "").startsWith(low) ? 1 : 2);
      const fitting = options.filter(([key, said]) => !node.value.includes(key) && said.toLowerCase().includes(low));
      fitting.sort((one, other) => rank(one) - rank(other)).splice(40);
      list.replaceChildren(...fitting.map(([key, said], at) =>
        el("li", { role: "option", id: `${listId}-${at}`, "aria-selected": "false", "data-key": key, onmousedown: (event) => { event.preventDefault(); take(key); } }, said)));
      active = low && fitting.length ? 0 : -1;
      paint();
      list.hidden = !fitting.length;
      entry.setAttribute("aria-expanded", String(!list.hidden));
    };
    const paint = () => {
      [...list.children].forEach((one, at) => one.setAttribute("aria-selected", String(at === active)));
      const now = list.children[active];
      if (now) { entry.setAttribute("aria-activedescendant", now.id); now.scrollIntoView({ block: "nearest" }); }
      else entry.removeAttribute("aria-activedescendant");
    };
    const take = (typed) => { add(typed); entry.value = ""; changed(node); drawChips(); close(); };
    const entry = el("input", {
      class: "control", type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", "aria-label": W.value,
      "aria-controls": listId, "aria-expanded": "false", "aria-autocomplete": "list", placeholder: W.pick,
      oninput: offer,
      onfocus: () => { if (entry.value) offer(); },
      onblur: () => { const typed = entry.value.trim(); if (typed) take(typed); close(); },
      onkeydown: (event) => {
        if (event.key === "ArrowDown" || event.key === "ArrowUp") {
          event.preventDefault();
          if (event.altKey) return;
          if (list.hidden) return offer();
          const size = list.children.length;
          active = (active + (event.key === "ArrowDown" ? 1 : -1) + size) % size;
          paint();
        } else if (event.key === "Enter") {
          event.preventDefault();
          const key = list.children[active]?.dataset.key ?? entry.value.trim();
          if (key) take(key);
        } else if (event.key === "Escape") close();
        else if (event.key === "Backspace" && !entry.value && node.value.length) { node.value.pop(); changed(node); drawChips(); }
        else if (event.key === "," || event.key === ";") { event.preventDefault(); if (entry.value.trim()) take(list.children[active]?.dataset.key ?? entry.value.trim()); }
      },
      onpaste: (event) => {
        const many = event.clipboardData.getData("text").split(/[\s,;，；、]+/).filter(Boolean);
        if (many.length < 2) return;
        event.preventDefault();
        many.forEach(add);
        changed(node);
        drawChips();
      },
    });
    drawChips();
    return [el("div", { class: "rb-pick" }, shown, entry, list)];
  };
  const widget = (node, field) => {
    const unit = field.unit ? [el("span", { class: "quiet" }, field.unit)] : [];
    const set = (value) => { node.value = value; };
    if (EMPTY.includes(node.op)) return [];
    if (field.type === "bool") return [select([["1", W.yes], ["0", W.no]], node.value ? "1" : "0", W.value, (value) => { node.value = value === "1"; changed(node); })];
    if (field.type === "money") return money(node);
    if (node.op === "between") {
      const kind = field.type === "date" ? { type: "date" } : NUMERIC;
      return [
        line(node, node.value[0], W.from, (value) => { node.value[0] = value; }, kind), el("span", {}, W.and),
        line(node, node.value[1], W.to, (value) => { node.value[1] = value; }, kind), ...unit,
      ];
    }
    if (V.lists.includes(node.op)) return field.choices ? chips(node, field) : pasted(node);
    if (field.choices && !field.open) {
      const options = V.choices[field.choices];
      const known = options.some(([key]) => key === node.value);
      const more = node.value && !known ? [[node.value, `${node.value} (${W.unknown})`]] : [];
      return [select([["", W.choose], ...more, ...options], node.value, W.value, (value) => { set(value); changed(node); })];
    }
    if (field.open) {
      const id = `rb-offer-${node.id}`;
      return [line(node, node.value, W.value, set, { list: id }), el("datalist", { id }, ...V.choices[field.choices].map(([key]) => el("option", { value: key })))];
    }
    if (field.type === "number") return [line(node, node.value, W.value, set, NUMERIC), ...unit];
    if (field.type === "date") return [line(node, node.value, W.value, set, { type: "date" })];
    return [line(node, node.value, W.value, set)];
  };

  /* -- drawing ------------------------------------------------------------------------------------------------------ */
  const act = (name, label, ti, onclick, off = false) =>
    el("button", { type: "button", class: "btn-icon", "data-do": name, "aria-label": label, title: label, disabled: off, onclick }, icon(ti));
  const said = (node) => el("p", { class: "error", "data-error": String(node.id), id: `rb-error-${node.id}`, role: errors.has(node.id) ? "alert" : null }, errors.get(node.id) ?? "");

  const moves = (node, parent) => {
    const at = parent.children.indexOf(node);
    const shift = (step, name) => () => {
      parent.children.splice(at, 1);
      parent.children.splice(at + step, 0, node);
      draw(node, name);
    };
    const out = [
      act("up", W.up, "arrow-up", shift(-1, "up"), at === 0),
      act("down", W.down, "arrow-down", shift(1, "down"), at === parent.children.length - 1),
      act("wrap", W.wrap, "brackets-contain", () => {
        parent.children[at] = groupOf(parent.kind === "any" ? "all" : "any", [node], "");
        draw(parent.children[at], "kind");
      }, depthOf(parent) + 3 > V.depth),
    ];
    if (parent !== root) out.push(act("out", W.out, "arrow-bar-left", () => {
      const above = parentOf(parent);
      parent.children.splice(at, 1);
      above.children.splice(above.children.indexOf(parent) + 1, 0, node);
      draw(node, "out");
    }));
    out.push(act("remove", W.remove, "trash", () => {
      parent.children.splice(at, 1);
      gone = { parent, at, node };
      draw(parent.children[Math.min(at, parent.children.length - 1)] ?? parent, "field");
      status.replaceChildren(W.removed, " ", el("button", { type: "button", class: "linkish", onclick: undo }, W.undo));
    }));
    return el("span", { class: "rb-acts" }, ...out);
  };
  const undo = () => {
    if (!gone) return;
    const home = [...walk(root)].includes(gone.parent) ? gone.parent : root;
    home.children.splice(Math.min(gone.at, home.children.length), 0, gone.node);
    const back = gone.node;
    gone = null;
    status.replaceChildren();
    draw(back, "field");
  };
  const bad = (node) => (errors.has(node.id) ? { "aria-invalid": "true", "aria-describedby": `rb-error-${node.id}` } : {});

  /* The chooser of the field (and of the comparison) stays in its place while what follows is drawn anew: typing into a
     closed chooser changes it letter by letter. What was typed for a field comes back with it. */
  const drawRest = (node, rest) => {
    const field = fields.get(node.field);
    if (!field) return rest.replaceChildren();
    fit(node);
    const value = el("span", { class: "rb-value" }, ...widget(node, field));
    const op = select(field.ops.map((one) => [one, V.ops[one]]), node.op, W.op, (chosen) => {
      node.op = chosen;
      fit(node);
      changed(node);
      value.replaceChildren(...widget(node, field));
    }, { "data-do": "op", class: "control rb-op" });
    const lines = !field.many ? [] : [select([["any", W.any_line], ["all", W.every_line]], node.lines, W.lines, (chosen) => { node.lines = chosen; changed(node); }, { "data-do": "lines", class: "control rb-lines" })];
    rest.replaceChildren(...lines, op, value);
  };
  const drawLeaf = (node, parent, at) => {
    const rest = el("span", { class: "rb-rest" });
    const known = fields.has(node.field) || !node.field ? [] : [[node.field, node.field]];
    const options = [["", W.choose], ...known, ...V.fields.map((one) => [one.name, one.label])];
    const choose = select(options, node.field, W.field, (chosen) => {
      node.kept = { ...node.kept, [node.field]: { op: node.op, value: node.value } };
      Object.assign(node, { field: chosen, op: "", value: undefined, ...node.kept[chosen] });
      drawRest(node, rest);
      changed(node);
    }, { "data-do": "field", ...bad(node) });
    drawRest(node, rest);
    if (errors.has(node.id)) for (const one of rest.querySelectorAll("input, textarea, select")) one.setAttribute("aria-invalid", "true");
    return el("li", { class: "rb-leaf", "data-node": String(node.id) },
      el("div", { class: "rb-row", role: "group", "aria-label": W.condition.replace("{n}", at + 1), "aria-describedby": errors.has(node.id) ? `rb-error-${node.id}` : null }, choose, rest, moves(node, parent)), said(node));
  };
  const drawGroup = (node, parent) => {
    const deep = depthOf(node);
    const add = (made) => () => { node.children.push(made()); changed(node); draw(node.children.at(-1), isGroup(node.children.at(-1)) ? "kind" : "field"); };
    const head = el("div", { class: "rb-head" },
      select(["all", "any", "none", "notall"].map((kind) => [kind, W[kind]]), node.kind, W.kind, (value) => {
        node.kind = value;
        changed(node);
        head.closest("fieldset").className = `rb-group rb-${value}`;
      }, { "data-do": "kind", class: "control rb-kind", ...bad(node) }),
      parent ? moves(node, parent) : null);
    const list = el("ol", { class: "rb-items" }, ...node.children.map((child, at) => (isGroup(child) ? el("li", { class: "rb-sub" }, drawGroup(child, node)) : drawLeaf(child, node, at))));
    const foot = el("div", { class: "rb-foot" },
      el("button", { type: "button", class: "btn btn-sm", "data-do": "add", onclick: add(() => leafOf({}, "")) }, icon("plus"), W.add),
      el("button", { type: "button", class: "btn btn-sm", "data-do": "add_group", disabled: deep + 2 > V.depth, title: deep + 2 > V.depth ? W.deep : null, onclick: add(() => groupOf(node.kind === "any" ? "all" : "any", [leafOf({}, "")], "")) }, icon("brackets"), W.add_group));
    const empty = !node.children.length && !parent ? el("p", { class: "quiet" }, W.empty) : null;
    return el("fieldset", { class: `rb-group rb-${node.kind}`, "data-node": String(node.id) }, el("legend", { class: "sr" }, W.group), head, empty, list, said(node), foot);
  };
  const draw = (node, what) => {
    keep();
    box.replaceChildren(drawGroup(root, null));
    if (!node) return;
    dirty = true;
    const own = [...box.querySelectorAll(`[data-node="${node.id}"] [data-do="${what}"]`)].find((one) => one.closest("[data-node]").dataset.node === String(node.id));
    const target = own && !own.disabled ? own : [...box.querySelectorAll(`[data-node="${node.id}"] [data-do]`)].find((one) => !one.disabled) ?? box.querySelector("[data-do=add]");
    target.focus();
  };
  box.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || !/^Arrow(Up|Down)$/.test(event.key)) return;
    const home = event.target.closest("[data-node]");
    const name = event.key === "ArrowUp" ? "up" : "down";
    const button = [...home.querySelectorAll(`[data-do=${name}]`)].find((one) => one.closest("[data-node]") === home);
    event.preventDefault();
    if (button && !button.disabled) button.click();
  });

  /* -- asking the server --------------------------------------------------------------------------------------------- */
  document.querySelector("[data-builder-check]")?.addEventListener("click", async (event) => {
    keep();
    status.textContent = W.checking;
    try {
      const answer = await fetch(event.currentTarget.dataset.builderCheck, { method: "POST", body: new FormData(form), headers: { "HX-Request": "true" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const told = await answer.json();
      mark(told.problems);
      draw();
      const links = (told.orders ?? []).map(([label, href]) => el("a", { href, target: "_blank", rel: "noopener" }, label));
      status.replaceChildren(told.said, ...links.flatMap((link) => [" ", link]));
    } catch {
      status.textContent = W.unreachable;
    }
  });
  form.addEventListener("input", () => { dirty = true; });
  form.addEventListener("submit", () => { keep(); dirty = false; });
  window.addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });

  mark(json("rule-problems"));
  draw();
  const first = box.querySelector(".error:not(:empty)");
  if (first) first.closest("[data-node]").querySelector("input, select, textarea")?.focus();
})();

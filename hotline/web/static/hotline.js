// Only eases what works without it: no double submit, place suggestions, Alt+S sends the operator's form.
"use strict";

let alreadySent = new WeakSet();

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (alreadySent.has(form)) {
    event.preventDefault();
    return;
  }
  alreadySent.add(form);
  for (const button of form.querySelectorAll("button[type=submit]")) button.setAttribute("aria-disabled", "true");
});

// A page reached with the back button keeps what was typed and can be sent again.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  alreadySent = new WeakSet();
  for (const button of document.querySelectorAll("button[aria-disabled]")) button.removeAttribute("aria-disabled");
});

document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.ctrlKey || event.metaKey || event.code !== "KeyS") return;
  const form = document.querySelector("form[data-shortcut-submit]");
  if (!form) return;
  event.preventDefault();
  form.requestSubmit();
});

const summary = document.querySelector(".error-summary");
if (summary) summary.focus();

// <input data-places="/dia-ban" data-province-from="id of the province field">
// The answer is a JSON list of texts, or of objects {value, hint}.
function suggestPlaces(input) {
  const list = document.createElement("ul");
  list.className = "suggestions";
  list.hidden = true;
  input.setAttribute("autocomplete", "off");
  input.after(list);
  let timer = 0;
  let asked = 0;

  const close = () => {
    list.hidden = true;
    list.replaceChildren();
  };
  const choose = (value) => {
    input.value = value;
    asked += 1;
    close();
    input.focus();
  };
  const show = (matches) => {
    list.replaceChildren(...matches.map((match) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = typeof match === "string" ? match : match.value;
      if (match.hint) {
        const hint = document.createElement("small");
        hint.textContent = match.hint;
        button.append(hint);
      }
      button.addEventListener("click", () => choose(typeof match === "string" ? match : match.value));
      item.append(button);
      return item;
    }));
    list.hidden = matches.length === 0;
  };
  const ask = async () => {
    const mine = (asked += 1);
    const province = document.getElementById(input.dataset.provinceFrom || "");
    const query = new URLSearchParams({ tinh: province ? province.value : "", q: input.value });
    try {
      const answer = await fetch(`${input.dataset.places}?${query}`, { headers: { Accept: "application/json" } });
      const matches = answer.ok ? await answer.json() : [];
      if (mine === asked) show(matches);
    } catch {
      if (mine === asked) close();
    }
  };

  input.addEventListener("input", () => {
    window.clearTimeout(timer);
    if (input.value.trim().length < 2) {
      asked += 1;
      close();
      return;
    }
    timer = window.setTimeout(ask, 200);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key === "ArrowDown" && !list.hidden) {
      event.preventDefault();
      list.querySelector("button").focus();
    }
  });
  list.addEventListener("keydown", (event) => {
    const item = event.target.closest("li");
    if (event.key === "Escape") {
      close();
      input.focus();
    } else if (event.key === "ArrowDown" && item.nextElementSibling) {
      event.preventDefault();
      item.nextElementSibling.firstElementChild.focus();
    } else if (event.key === "ArrowUp") {
      event.preventDefault();
      (item.previousElementSibling ? item.previousElementSibling.firstElementChild : input).focus();
    }
  });
}

for (const input of document.querySelectorAll("input[data-places]")) suggestPlaces(input);
